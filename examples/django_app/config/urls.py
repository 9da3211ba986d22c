"""The routes."""

from chat import views
from django.urls import path

urlpatterns = [
    path("health", views.health),
    path("warmup", views.warm),
]
