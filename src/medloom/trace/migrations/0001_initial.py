"""Edges and the functions that walk them."""

from django.db import migrations, models

from medloom.trace import queries


class Migration(migrations.Migration):
    initial = True
    dependencies = [("materials", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="TraceEdge",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "child",
                        "parent",
                        "entry",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("parent", models.BigIntegerField()),
                ("child", models.BigIntegerField()),
                ("units", models.IntegerField(default=0)),
                ("step", models.BigIntegerField()),
                ("entry", models.BigIntegerField()),
                ("voided_by", models.BigIntegerField(null=True)),
                ("site", models.CharField(max_length=16)),
                ("quantity", models.DecimalField(decimal_places=6, max_digits=21, null=True)),
            ],
            options={"db_table": "trace_edge", "managed": False},
        ),
        migrations.RunSQL(queries.TABLES + queries.INDEXES, queries.DROP_TABLES),
        migrations.RunSQL(queries.FUNCTIONS + queries.RIGHTS, queries.DROP_FUNCTIONS),
    ]
