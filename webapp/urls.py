"""Every address of the site."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from webapp import views
from webapp.sign_in import SignIn

urlpatterns = [
    path("", views.home, name="home"),
    path("sign-in/", SignIn.as_view(), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("local/<str:token>/", views.local_sign_in_view, name="local-sign-in"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("api/", views.api_root, name="api-root"),
    path("api/docs/", views.ApiDocs.as_view(url_name="schema"), name="api-docs"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/", include("labeling.api.urls")),
    path("api/", include("training.api.urls")),
    path("", include("labeling.pages.urls")),
    path("", include("training.pages.urls")),
]

handler400 = "webapp.errors.bad_request"
handler403 = "webapp.errors.forbidden"
handler404 = "webapp.errors.not_found"
handler500 = "webapp.errors.failed"
