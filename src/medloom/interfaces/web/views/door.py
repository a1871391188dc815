"""Login, logout, language, account."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import password_validation, update_session_auth_hash
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from medloom.interfaces.web.scope import speak

#: In the session of somebody who has not logged in yet: the language they switched to.
CHOSEN = "language"


class Login(LoginView):
    """The login page; too many wrong passwords lock the name for a quarter of an hour."""

    template_name = "medloom/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        """Log in, and speak the person's language.

        What was chosen on the way in counts most and is kept; then what the person chose before; for somebody
        who never chose, the language of the page on which they logged in.
        """
        user, chosen = form.get_user(), self.request.session.pop(CHOSEN, "")
        answer = super().form_valid(form)
        if chosen and chosen != user.language:
            user.speak(chosen)
        return speak(answer, user.language or get_language() or settings.LANGUAGE_CODE)

    def form_invalid(self, form: Any) -> HttpResponse:
        """The page again, with its status saying so."""
        return self.render_to_response(self.get_context_data(form=form), status=401)


class Logout(LogoutView):
    """Out, to the login page."""

    next_page = "web:login"


def _back(request: HttpRequest) -> str:
    target = request.POST.get("next", "")
    fine = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if fine else reverse("web:overview")


@require_POST
def change_language(request: HttpRequest) -> HttpResponse:
    """Switch between Chinese and English; a logged-in person's choice is kept."""
    language = "en" if request.POST.get("language") == "en" else "zh-hans"
    user: Any = request.user
    if user.is_authenticated and user.language != language:
        user.speak(language)
    elif not user.is_authenticated:
        request.session[CHOSEN] = language
    return speak(HttpResponseRedirect(_back(request)), language)


def account(request: HttpRequest) -> HttpResponse:
    """The person's own account: roles, and a new password."""
    user: Any = request.user
    context: dict[str, Any] = {}
    if request.method == "POST":
        wrong = _new_password(user, request)
        if not wrong:
            update_session_auth_hash(request, user)
            messages.success(request, _("The new password is in force."))
            return HttpResponseRedirect(reverse("web:account"))
        context["wrong"] = wrong
    return render(request, "medloom/account.html", context, status=422 if context else 200)


def _new_password(user: Any, request: HttpRequest) -> list[str]:
    if not user.check_password(request.POST.get("old", "")):
        return [_("The present password is wrong.")]
    fresh = request.POST.get("new", "")
    if fresh != request.POST.get("again", ""):
        return [_("The two new passwords differ.")]
    try:
        password_validation.validate_password(fresh, user)
    except ValidationError as error:
        return list(error.messages)
    user.renew_password(fresh)
    return []


def health(request: HttpRequest) -> HttpResponse:
    """For the process tree: this process answers."""
    return HttpResponse("ok\n", content_type="text/plain")
