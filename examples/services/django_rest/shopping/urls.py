"""Where it is found."""

from django.conf import settings
from django.urls import include, path
from rest_framework import serializers, viewsets
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from shopping.models import Item


class ItemSerializer(serializers.ModelSerializer):
    """An item as the page gets it."""

    class Meta:
        """Of what, and which fields."""

        model = Item
        fields = ("id", "name", "amount", "done")


class Items(viewsets.ModelViewSet):
    """The list: read, add, change, delete."""

    queryset = Item.objects.order_by("id")
    serializer_class = ItemSerializer


@api_view(["GET"])
def health(request: Request) -> Response:
    """Tell the host that all is well."""
    return Response({"status": "ok", **settings.SERVICE})


router = SimpleRouter()
router.register("items", Items)
urlpatterns = [path("health", health), path("", include(router.urls))]
