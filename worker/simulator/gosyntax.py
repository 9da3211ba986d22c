"""What Go's JSON scanner says about a text that is no JSON."""

_BLANK = " \t\r\n"
_DIGITS = "0123456789"
_ENDED = "unexpected EOF"
_NAMED = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


class _SyntaxError(Exception):
    """The scanner's complaint."""


def syntax_error(body: bytes) -> str:
    """Name the first thing that Go's scanner stumbles over.

    Source: Go's encoding/json, scanner.go; it reads bytes, hence latin-1 here.
    """
    scanner = _Scanner(body.decode("latin-1"))
    try:
        scanner.value("looking for beginning of value")
    except _SyntaxError as error:
        return str(error)
    except RecursionError:
        return "exceeded max depth"
    return _ENDED


class _Scanner:
    """Walks over a text and stops at the first byte that cannot stand there."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def value(self, context: str) -> None:
        char = self._peek()
        match char:
            case "{":
                self._object()
            case "[":
                self._array()
            case '"':
                self._string()
            case "t" | "f" | "n":
                self._literal({"t": "true", "f": "false", "n": "null"}[char])
            case _ if char == "-" or char in _DIGITS:
                self._number()
            case _:
                self._stop(char, context)

    def _object(self) -> None:
        self._at += 1
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            if self._peek() != '"':
                self._stop(self._peek(), "looking for beginning of object key string")
            self._string()
            self._expect(":", "after object key")
            self.value("looking for beginning of value")
            if self._expect(",}", "after object key:value pair") == "}":
                return

    def _array(self) -> None:
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            self.value("looking for beginning of value")
            if self._expect(",]", "after array element") == "]":
                return

    def _string(self) -> None:
        self._at += 1
        while (char := self._next()) != '"':
            if char < " ":
                self._stop(char, "in string literal")
            if char == "\\":
                self._escape()

    def _escape(self) -> None:
        char = self._next()
        if char == "u":
            for _ in range(4):
                char = self._next()
                if char not in "0123456789abcdefABCDEF":
                    self._stop(char, "in \\u hexadecimal character escape")
        elif char not in 'bfnrt\\/"':
            self._stop(char, "in string escape code")

    def _number(self) -> None:
        if self._here() == "-":
            self._at += 1
        self._digit("in numeric literal")
        if self._text[self._at - 1] != "0":
            self._skip_digits()
        if self._here() == ".":
            self._at += 1
            self._digit("after decimal point in numeric literal")
            self._skip_digits()
        if self._here() in ("e", "E"):
            self._at += 1
            if self._here() in ("+", "-"):
                self._at += 1
            self._digit("in exponent of numeric literal")
            self._skip_digits()

    def _digit(self, context: str) -> None:
        char = self._next()
        if char not in _DIGITS:
            self._stop(char, context)

    def _skip_digits(self) -> None:
        while self._here() and self._here() in _DIGITS:
            self._at += 1

    def _literal(self, word: str) -> None:
        self._at += 1
        for wanted in word[1:]:
            char = self._next()
            if char != wanted:
                self._stop(char, f"in literal {word} (expecting '{wanted}')")

    def _expect(self, wanted: str, context: str) -> str:
        char = self._peek()
        if char not in wanted:
            self._stop(char, context)
        self._at += 1
        return char

    def _here(self) -> str:
        return self._text[self._at : self._at + 1]

    def _peek(self) -> str:
        while self._here() and self._here() in _BLANK:
            self._at += 1
        if not self._here():
            raise _SyntaxError(_ENDED)
        return self._here()

    def _next(self) -> str:
        char = self._here()
        if not char:
            raise _SyntaxError(_ENDED)
        self._at += 1
        return char

    def _stop(self, char: str, context: str) -> None:
        raise _SyntaxError(f"invalid character {_quoted(char)} {context}")


def quoted(text: str) -> str:
    """Quote a text.

    Source: Go's strconv, Quote, which is what %q writes.
    """
    return '"' + "".join(_escaped(char, quote='"') for char in text) + '"'


def _quoted(char: str) -> str:
    return "'" + _escaped(char, quote="'") + "'"


def _escaped(char: str, *, quote: str) -> str:
    if char in (quote, "\\"):
        return "\\" + char
    if char in _NAMED:
        return _NAMED[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if char.isascii() else f"\\u{code:04x}"
