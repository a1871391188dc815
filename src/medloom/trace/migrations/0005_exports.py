"""Exports of scopes that the worker makes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("trace", "0004_scopes"),
    ]

    operations = [
        migrations.CreateModel(
            name="ScopeExport",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("asked", models.DateTimeField(auto_now_add=True)),
                ("actor", models.CharField(max_length=64)),
                ("sees", models.CharField(max_length=16)),
                ("language", models.CharField(max_length=16)),
                ("kind", models.CharField(max_length=8)),
                ("question", models.TextField()),
                ("scope", models.UUIDField(null=True)),
                ("state", models.CharField(default="waiting", max_length=8)),
                ("step", models.SmallIntegerField(default=0)),
                ("lots", models.IntegerField(default=0)),
                ("code", models.CharField(default="", max_length=32)),
                ("body", models.BinaryField(null=True)),
            ],
            options={
                "db_table": "scope_export",
            },
        ),
    ]
