"""The addresses of the pages."""

from django.urls import path

from medloom.interfaces.web.views import (
    changes,
    conflicts,
    dispatch,
    door,
    holds,
    ledger,
    lists,
    matches,
    objects,
    overview,
    places,
    repair,
    scope,
)

app_name = "web"
urlpatterns = [
    path("", overview.show_overview, name="overview"),
    path("tasks/", overview.show_tasks, name="tasks"),
    path("find/", places.find, name="find"),
    path("login/", door.Login.as_view(), name="login"),
    path("logout/", door.Logout.as_view(), name="logout"),
    path("language/", door.change_language, name="language"),
    path("account/", door.account, name="account"),
    path("health/", door.health, name="health"),
    path("trace/", scope.start_trace, name="trace"),
    path("stock/", places.show_stock, name="stock"),
    path("connections/", places.show_connections, name="connections"),
    path("alarms/", places.show_alarms, name="alarms"),
    path("dictionary/", places.show_dictionary, name="dictionary"),
    path("repair/", repair.show_desk, name="repair"),
    path("repair/rows/", repair.show_group, name="repair-group"),
    path("matches/", matches.show_matches, name="matches"),
    path("conflicts/", conflicts.show_conflicts, name="conflicts"),
    path("conflicts/<int:seq>/", conflicts.settle, name="conflict"),
    path("conflicts/<int:seq>/undo/", conflicts.undo, name="conflict-undo"),
    path("ledger/", ledger.show_ledger, name="ledger"),
    path("ledger/<int:seq>/", ledger.show_record, name="record"),
    path("holds/raise/", holds.raise_hold, name="hold-raise"),
    path("holds/<uuid:object_>/clear/", holds.clear_hold, name="hold-clear"),
    path("dispatch/", dispatch.dispatch_many, name="dispatch-many"),
    path("o/<slug:type_>/", lists.show_list, name="list"),
    path("o/<slug:type_>/new/", changes.create, name="create"),
    path("o/<slug:type_>/<uuid:object_>/", objects.show_object, name="object"),
    path("o/<slug:type_>/<uuid:object_>/edit/", changes.edit, name="edit"),
    path("o/<slug:type_>/<uuid:object_>/do/<slug:name>/", changes.command, name="command"),
]
