"""Addresses of this package; the site includes them."""

urlpatterns: list = []
