from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("parties", "0007_webhook_attempts"),
    ]

    operations = [
        migrations.CreateModel(
            name="Rate",
            fields=[
                ("token", models.UUIDField(primary_key=True, serialize=False)),
                ("rest", models.FloatField()),
                ("at", models.DateTimeField()),
                ("leased", models.FloatField()),
            ],
            options={
                "db_table": "api_rate",
            },
        ),
        # no write-ahead log, and room beside each row for its next version
        migrations.RunSQL("alter table api_rate set unlogged", "alter table api_rate set logged"),
        migrations.RunSQL("alter table api_rate set (fillfactor = 50)", migrations.RunSQL.noop),
    ]
