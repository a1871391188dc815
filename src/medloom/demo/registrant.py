"""What is synthetic on the registrant's side: three devices, consignees, and which item is which device.

The identifiers lie in the range that GS1 keeps for demonstrations (prefix 952); no company has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medloom.demo.consuming import CONSIGNEES, MARK
from medloom.demo.network import act, put
from medloom.design.models import Device, Item
from medloom.design.udi import gs1_check_digit
from medloom.kernel.access import ALL, seeing
from medloom.sourcing.models import Consignee

#: GS1's prefix for demonstrations and examples.
PREFIX = "952000"
PACKED = 12
REGIONS = ("华东 · East", "华南 · South", "华北 · North", "西南 · Southwest")
#: Brand, model, description, storage limits in degrees (low, high, unit).
DEVICES = {
    1: ("Synthetic Infusor 合成演示", "SI-100", "演示器械一 · demonstration device 1", ("2", "25", "Cel")),
    2: (
        "Synthetic Stapler 合成演示",
        "SS-200",
        "演示器械二 · demonstration device 2",
        ("59", "86", "[degF]"),
    ),
    3: ("Synthetic Plates 合成演示", "SP-300", "演示器械三 · demonstration device 3", ("15", "30", "Cel")),
}


def device_di(device: int) -> str:
    """The device's identifier, a GTIN-14."""
    body = f"0{PREFIX}{device:06}"
    return body + gs1_check_digit(body)


def package_di(device: int) -> str:
    """The identifier of the carton of twelve."""
    body = f"1{PREFIX}{device:06}"
    return body + gs1_check_digit(body)


def sscc(number: int) -> str:
    """The number of a logistic unit."""
    body = f"0{PREFIX}{number:010}"
    return body + gs1_check_digit(body)


def _fields(device: int) -> dict[str, Any]:
    brand, model, description, (low, high, unit) = DEVICES[device]
    return {
        "di": device_di(device), "agency": "GS1", "brand": brand, "model": model, "catalogue": model,
        "company": "演示注册人 · registrant (generated)", "description": description, "count": 1,
        "status": "in_distribution", "lot_marked": True, "serial_marked": True, "expiry_marked": True,
        "made_marked": False, "single_use": True, "sterile": True, "remark": MARK,
        "packages": [{"kind": "package", "di": package_di(device), "agency": "GS1", "level": 1,
                      "contains": device_di(device), "quantity": PACKED}],
        "storage": [{"kind": "Storage Environment Temperature", "low": low, "high": high, "unit": unit}],
    }  # fmt: skip


def seed_catalogue(site: str, products: Mapping[int, str]) -> int:
    """Devices, consignees and the devices of the site's items, as far as they are missing; how many."""
    with seeing(ALL):
        devices = set(Device.objects.filter(placeholder=False).values_list("di", flat=True))
        known = set(Consignee.objects.filter(placeholder=False).values_list("code", flat=True))
        items = list(
            Item.objects.filter(site=site, number__in=products.values(), device=None, placeholder=False)
        )
    made = [
        act().create("device", site="", fields=_fields(device), reason=MARK)
        for device in products
        if device_di(device) not in devices
    ]
    for n in range(1, CONSIGNEES + 1):
        if (code := f"CNS-{n:02}") not in known:
            fields = {"code": code, "region": REGIONS[n % len(REGIONS)], "remark": MARK}
            made.append(act().create("consignee", site="", fields=fields, reason=MARK))
    put(made)
    by_product = {product: device for device, product in products.items()}
    linked = [
        act().change(
            "item", str(item.object), site=site, base=item.version,
            fields={"device": device_di(by_product[item.number])}, reason=MARK,
        )
        for item in items
    ]  # fmt: skip
    put(linked)
    return len(made) + len(linked)
