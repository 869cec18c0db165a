"""Breaks the workbook of a made CASME II, and finds its frames."""

import openpyxl

WORKBOOK = "CASME2-coding-20241216.xlsx"


def edit(root, row, column, value):
    book = openpyxl.load_workbook(root / WORKBOOK)
    sheet = book.active
    header = [cell.value for cell in sheet[1]]
    sheet.cell(row, header.index(column) + 1).value = value
    book.save(root / WORKBOOK)


def row_of(root, row):
    sheet = openpyxl.load_workbook(root / WORKBOOK).active
    return dict(zip((c.value for c in sheet[1]), (c.value for c in sheet[row]), strict=True))


def frame(root, row, column="ApexFrame"):
    cells = row_of(root, row)
    folder = root / "Cropped" / f"sub{int(cells['Subject']):02d}" / cells["Filename"]
    return folder / f"reg_img{cells[column]}.jpg"
