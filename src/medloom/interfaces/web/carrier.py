"""The DataMatrix of a GS1 UDI, drawn as SVG in millimetres: black on white, its quiet zone included."""

from __future__ import annotations

#: Side of one module; what printers of 300 dpi draw well and hand scanners read (GS1: 0.254 to 0.615 mm).
MODULE_MM = 0.6


def modules_of(text: str) -> list[list[bool]]:
    """Rows of modules, True for black, for a UDI with brackets (`design.udi.build_gs1`).

    Square always. Left to itself the encoder takes the smallest symbol, and that may be one of the long
    rectangles (8 by 64, 8 by 96) of ISO/IEC 21471, which are no GS1 DataMatrix: many readers know none.
    """
    import zxingcpp  # not carried by web processes that never need it

    made = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix, gs1=True, force_square=True)
    image = memoryview(made.to_image(scale=1))
    height, width = image.shape[:2]
    return [[image[y, x] < 128 for x in range(width)] for y in range(height)]


def drawn(text: str, *, title: str) -> str:
    """The SVG element. `title` is what screen readers say; it must hold no markup."""
    rows = modules_of(text)
    width, height = len(rows[0]), len(rows)
    path = []
    for y, row in enumerate(rows):
        x = 0
        while x < width:
            run = 0
            while x + run < width and row[x + run]:
                run += 1
            if run:
                path.append(f"M{x} {y}h{run}v1h-{run}z")
            x += max(run, 1)
    return (
        f'<svg class="carrier" role="img" aria-label="{title}" xmlns="http://www.w3.org/2000/svg" '
        f'width="{width * MODULE_MM:g}mm" height="{height * MODULE_MM:g}mm" viewBox="0 0 {width} {height}" '
        f'shape-rendering="crispEdges"><rect width="{width}" height="{height}" fill="#fff"/>'
        f'<path fill="#000" d="{"".join(path)}"/></svg>'
    )
