"""Makes the files beside it: pip install fpdf2==2.8.* python-docx==1.2.*; python make.py"""

import zipfile
from datetime import datetime, timezone
from pathlib import Path

from docx import Document
from fpdf import FPDF
from fpdf.enums import AccessPermission

MADE = datetime(2026, 1, 1, tzinfo=timezone.utc)


def pdf(name, pages, title=None, encrypt=None):
    file = FPDF(format="A5")
    file.set_creation_date(MADE)
    if title:
        file.set_title(title)
    if encrypt:
        file.set_encryption(**encrypt)
    for page in pages:
        file.add_page()
        file.set_font("Helvetica", size=12)
        for paragraph in page:
            for line in paragraph:
                file.cell(0, 6, line, new_x="LMARGIN", new_y="NEXT")
            file.ln(8)
        if not page:
            file.rect(20, 20, 60, 60)
    file.output(name)


BELLS = [
    [["Cast bells", "Bells are cast from bronze, a mix of cop-", "per and tin, in a mould of loam."]],
    [["A caf\u00e9 in the old foundry opens at nine."], ["Its owner tunes the bells."]],
]
pdf("bells.pdf", BELLS, title="How bells are made")
pdf("password.pdf", BELLS, encrypt={"owner_password": "owner", "user_password": "user"})
pdf("no-copy.pdf", BELLS, encrypt={"owner_password": "owner", "permissions": AccessPermission.none()})
pdf("scanned.pdf", [[]])

bread = Document()
bread.core_properties.title = "Bread & butter"
bread.core_properties.created = bread.core_properties.modified = MADE
bread.add_heading("Baking", level=1)
bread.add_paragraph("Flour, water and salt ").add_run("make").bold = True
bread.paragraphs[-1].add_run(" a dough <of sorts>.")
for item in ["Knead it.", "Let it rise."]:
    bread.add_paragraph(item, style="List Bullet")
table = bread.add_table(rows=0, cols=2)
for row in [("loaf", "minutes"), ("rye", "55")]:
    for cell, text in zip(table.add_row().cells, row):
        cell.text = text
bread.add_paragraph("Then it cools.")
bread.save("whole.docx")
# Without the template's picture, fonts and styles, which are 30 kB and hold no text.
with zipfile.ZipFile("whole.docx") as whole, zipfile.ZipFile("bread.docx", "w", zipfile.ZIP_DEFLATED) as small:
    for part in whole.infolist():
        if part.filename in ("[Content_Types].xml", "_rels/.rels", "docProps/core.xml", "word/document.xml"):
            small.writestr(zipfile.ZipInfo(part.filename, (2026, 1, 1, 0, 0, 0)), whole.read(part), zipfile.ZIP_DEFLATED)
Path("whole.docx").unlink()
