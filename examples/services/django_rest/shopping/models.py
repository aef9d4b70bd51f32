"""What is to be bought."""

from django.db import models


class Item(models.Model):
    """One thing of the list."""

    name = models.CharField(max_length=80)
    amount = models.PositiveIntegerField(default=1)
    done = models.BooleanField(default=False)
