"""Scopes: frozen ones with their lines, the walk with distances and proofs, what groups are looked up by."""

from django.db import migrations, models

import medloom.kernel.fields
from medloom.trace.walks import queries


class Migration(migrations.Migration):
    dependencies = [
        ("trace", "0003_events"),
        ("materials", "0004_receipts_and_shipments"),
        ("production", "0002_machine_status"),
        ("inspection", "0002_inspections"),
    ]

    operations = [
        migrations.CreateModel(
            name="ScopeLine",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "scope", "lot", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("scope", models.BigIntegerField()),
                ("lot", models.BigIntegerField()),
                ("site", models.CharField(max_length=16)),
                ("distance", models.IntegerField()),
                ("via", models.BigIntegerField()),
                ("entry", models.BigIntegerField()),
                ("devices", models.IntegerField()),
                ("ranges", models.TextField()),
                ("unit", models.CharField(max_length=8)),
                ("made", models.DecimalField(decimal_places=6, max_digits=24, null=True)),
                ("stock", models.DecimalField(decimal_places=6, max_digits=24)),
                ("shipped", models.DecimalField(decimal_places=6, max_digits=24)),
                ("scrapped", models.DecimalField(decimal_places=6, max_digits=24)),
                ("consumed", models.DecimalField(decimal_places=6, max_digits=24)),
                ("returned", models.DecimalField(decimal_places=6, max_digits=24)),
                ("unsaid", models.IntegerField()),
            ],
            options={
                "db_table": "scope_line",
            },
        ),
        migrations.CreateModel(
            name="Scope",
            fields=[
                ("num", models.BigIntegerField(primary_key=True, serialize=False)),
                ("object", models.UUIDField(editable=False, unique=True)),
                ("site", models.CharField(editable=False, max_length=16)),
                ("key", models.CharField(editable=False, max_length=200)),
                ("version", models.IntegerField(editable=False)),
                ("changed", models.JSONField(default=dict, editable=False)),
                ("entry", models.BigIntegerField(editable=False)),
                ("placeholder", models.BooleanField(default=False, editable=False)),
                ("voided", models.BooleanField(default=False, editable=False)),
                ("number", medloom.kernel.fields.Code(max_length=64, verbose_name="Scope number")),
                (
                    "state",
                    medloom.kernel.fields.Choice(
                        choices=[("draft", "Draft"), ("frozen", "Frozen")],
                        default="draft",
                        max_length=32,
                        verbose_name="State",
                    ),
                ),
                ("title", medloom.kernel.fields.Text(max_length=200, verbose_name="Title")),
                ("expression", medloom.kernel.fields.Text(max_length=4000, verbose_name="What is asked")),
                (
                    "supersedes",
                    medloom.kernel.fields.Code(
                        blank=True, max_length=64, null=True, verbose_name="Supersedes"
                    ),
                ),
                ("as_of", medloom.kernel.fields.Count(blank=True, null=True, verbose_name="As of record")),
                ("lots", medloom.kernel.fields.Count(blank=True, null=True, verbose_name="Lots")),
                ("devices", medloom.kernel.fields.Count(blank=True, null=True, verbose_name="Devices")),
                (
                    "digest",
                    medloom.kernel.fields.Code(
                        blank=True, max_length=64, null=True, verbose_name="Digest of its lines"
                    ),
                ),
            ],
            options={
                "verbose_name": "Recall scope",
                "db_table": "scope",
                "constraints": [models.UniqueConstraint(fields=("site", "key"), name="uniq_scope_key")],
            },
        ),
        migrations.RunSQL(queries.REACH_FUNCTION + queries.REACH_RIGHTS, queries.DROP_REACH),
        migrations.RunSQL(queries.SCOPE_INDEXES, queries.DROP_SCOPE_INDEXES),
    ]
