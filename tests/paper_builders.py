"""Word papers as Word and as LibreOffice write them, and the outputs of runs that a paper can show."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
OFFICE = R
NAMESPACES = (
    f'xmlns:w="{W}" xmlns:r="{R}" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml" '
    'xmlns:w15="http://schemas.microsoft.com/office/word/2012/wordml" mc:Ignorable="w14 w15"'
)
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
SECTION = (
    '<w:sectPr w:rsidR="00A1"><w:headerReference w:type="default" r:id="rId6"/><w:pgSz w:w="11906" w:h="16838"/>'
    '<w:pgMar w:top="1440" w:right="1440" w:bottom="1440" w:left="1440" w:header="708" w:footer="708" w:gutter="0"/>'
    '<w:cols w:space="708"/></w:sectPr>'
)
MAIN_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_KIND = "application/vnd.openxmlformats-officedocument.wordprocessingml"


# Pieces of text ---------------------------------------------------------------------------------------


def paragraph(text: str, properties: str = "", run: str = "") -> str:
    """A paragraph with one run, as Word writes it."""
    inner = f"<w:pPr>{properties}</w:pPr>" if properties else ""
    return f'<w:p w:rsidR="00A1" w:rsidRDefault="00A1">{inner}{a_run(text, run)}</w:p>'


def a_run(text: str, properties: str = "") -> str:
    """A run of text."""
    inner = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r w:rsidRPr="00B2">{inner}<w:t xml:space="preserve">{text}</w:t></w:r>'


def sdt(tag: str, content: str, *, properties: str = "", closed: bool = False) -> str:
    """A content control; `content` decides at which level it stands."""
    inner = "<w:sdtContent/>" if closed else f"<w:sdtContent>{content}</w:sdtContent>"
    named = f'<w:alias w:val="Place"/><w:tag w:val="{tag}"/>' if tag else ""
    return f'<w:sdt><w:sdtPr>{named}<w:id w:val="-1408"/>{properties}</w:sdtPr>{inner}</w:sdt>'


PLACEHOLDER = '<w:placeholder><w:docPart w:val="DefaultPlaceholder_-1854013440"/></w:placeholder><w:showingPlcHdr/>'
PROMPT = "Click or tap here to enter text."
PROMPT_STYLE = '<w:rStyle w:val="PlaceholderText"/>'


def waiting_run(tag: str, more: str = "") -> str:
    """A control in a line of text that shows Word's own prompt."""
    return sdt(tag, a_run(PROMPT, PROMPT_STYLE), properties=PLACEHOLDER + more)


def waiting_block(tag: str, more: str = "") -> str:
    """A control around a whole paragraph that shows Word's own prompt."""
    return sdt(tag, paragraph(PROMPT, run=PROMPT_STYLE), properties=PLACEHOLDER + more)


def in_line(before: str, control: str, after: str = ".") -> str:
    """A sentence with a control in it."""
    return f"<w:p>{a_run(before)}{control}{a_run(after)}</w:p>"


def table(*rows: str) -> str:
    """A table of rows as XML."""
    return f'<w:tbl><w:tblPr><w:tblW w:w="0" w:type="auto"/></w:tblPr><w:tblGrid/>{"".join(rows)}</w:tbl>'


def row(*cells: str) -> str:
    """A row of cells as XML."""
    return f"<w:tr>{''.join(cells)}</w:tr>"


def cell(content: str, width: int = 4513) -> str:
    """A cell around paragraphs."""
    return f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>{content}</w:tc>'


def picture(relation: str, *, alt: str = "", number: int = 1, width: int = 3_600_000, more: str = "") -> str:
    """A run with a picture as Word writes it."""
    main = "http://schemas.openxmlformats.org/drawingml/2006/main"
    pic = "http://schemas.openxmlformats.org/drawingml/2006/picture"
    said = f' descr="{alt}"' if alt else ""
    return (
        '<w:r><w:rPr><w:noProof/></w:rPr><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0">'
        f'<wp:extent cx="{width}" cy="{width}"/><wp:effectExtent l="0" t="0" r="0" b="0"/>'
        f'<wp:docPr id="{number}" name="Picture {number}"{said} title="An old title"/>'
        f'<wp:cNvGraphicFramePr><a:graphicFrameLocks xmlns:a="{main}" noChangeAspect="1"/></wp:cNvGraphicFramePr>'
        f'<a:graphic xmlns:a="{main}"><a:graphicData uri="{pic}"><pic:pic xmlns:pic="{pic}"><pic:nvPicPr>'
        f'<pic:cNvPr id="0" name="Picture {number}"{said}/><pic:cNvPicPr/></pic:nvPicPr>'
        f'<pic:blipFill><a:blip r:embed="{relation}">{more}</a:blip><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
        f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{width}" cy="{width}"/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic>'
        "</wp:inline></w:drawing></w:r>"
    )


def text_box(choice: str, fallback: str) -> str:
    """A paragraph with a text box as Word writes it: once for itself, once for versions before 2010."""
    return (
        '<w:p><w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:anchor><wp:extent cx="900" cy="900"/>'
        '<wp:docPr id="40" name="Text Box 40"/><a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        '<a:graphicData uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"><wps:wsp><wps:txbx>'
        f"<w:txbxContent>{choice}</w:txbxContent></wps:txbx></wps:wsp></a:graphicData></a:graphic></wp:anchor></w:drawing>"
        '</mc:Choice><mc:Fallback><w:pict><v:shape id="s1"><v:textbox>'
        f"<w:txbxContent>{fallback}</w:txbxContent></v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )


def png(width: int = 4, height: int = 2, shade: int = 0) -> bytes:
    """A picture of one shade of grey."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + bytes([shade]) * width for _ in range(height)))
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    made = [struct.pack(">I", len(c)) + n + c + struct.pack(">I", zlib.crc32(n + c)) for n, c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(made)


# Papers -----------------------------------------------------------------------------------------------


def root(name: str, content: str, namespaces: str = NAMESPACES, declaration: str = DECLARATION) -> bytes:
    """A part of a document."""
    return f"{declaration}<w:{name} {namespaces}>{content}</w:{name}>".encode()


def document(body: str, *, section: str = SECTION, **changes: str) -> bytes:
    """The main part."""
    return root("document", f"<w:body>{body}{section}</w:body>", **changes)


def relationships(*lines: tuple[str, str, str], declaration: str = DECLARATION) -> bytes:
    """A list of relationships: id, kind (the last word of its type, or the whole of it) and target."""
    made = "".join(
        f'<Relationship Id="{i}" Type="{kind if ":" in kind else f"{OFFICE}/{kind}"}" Target="{target}"/>'
        for i, kind, target in lines
    )
    namespace = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'{declaration}<Relationships xmlns="{namespace}">{made}</Relationships>'.encode()


def content_types(main: str = MAIN_TYPE, more: str = "") -> bytes:
    """The list of content types."""
    parts = {"styles": "styles", "settings": "settings", "header1": "header", "footer1": "footer"}
    parts |= {"footnotes": "footnotes", "endnotes": "endnotes"}
    made = "".join(
        f'<Override PartName="/word/{n}.xml" ContentType="{_KIND}.{kind}+xml"/>' for n, kind in parts.items()
    )
    return (
        f'{DECLARATION}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/><Default Extension="jpeg" ContentType="image/jpeg"/>'
        f'{more}<Override PartName="/word/document.xml" ContentType="{main}"/>{made}</Types>'
    ).encode()


STYLES = (
    '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>'
    '<w:style w:type="paragraph" w:styleId="Caption"><w:name w:val="caption"/></w:style>'
    '<w:style w:type="character" w:styleId="PlaceholderText"><w:name w:val="Placeholder Text"/></w:style>'
    '<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/></w:style>'
)
LINKS = (
    ("rId1", "styles", "styles.xml"),
    ("rId2", "settings", "settings.xml"),
    ("rId6", "header", "header1.xml"),
    ("rId7", "footer", "footer1.xml"),
    ("rId8", "footnotes", "footnotes.xml"),
    ("rId9", "endnotes", "endnotes.xml"),
    ("rId12", "customXml", "../customXml/item1.xml"),
)


def word_members(body: str = "", **parts: bytes) -> dict[str, bytes]:
    """The members of a paper as Word writes them, in its order; `parts` replaces or adds some, by `path` below."""
    members = {
        "[Content_Types].xml": content_types(),
        "_rels/.rels": relationships(("rId1", "officeDocument", "word/document.xml")),
        "word/document.xml": document(body),
        "word/_rels/document.xml.rels": relationships(*LINKS),
        "word/footnotes.xml": root("footnotes", f'<w:footnote w:id="1">{paragraph("A note.")}</w:footnote>'),
        "word/endnotes.xml": root("endnotes", ""),
        "word/header1.xml": root("hdr", paragraph("Tower Hamlets")),
        "word/footer1.xml": root("ftr", paragraph("Page")),
        "word/theme/theme1.xml": b"<theme>unread</theme>",
        "word/settings.xml": root("settings", '<w:zoom w:percent="100"/>'),
        "word/styles.xml": root("styles", STYLES),
        "customXml/item1.xml": '<?xml version="1.0" encoding="UTF-16"?><b/>'.encode("utf-16"),
        "word/fonts/font1.odttf": bytes(range(256)) * 20,
        "docProps/core.xml": b"<core>unread</core>",
    }
    return members | parts


def word_file(members: dict[str, bytes], stored: tuple[str, ...] = ("word/fonts/font1.odttf",)) -> bytes:
    """Members zipped as Word does it: dated 1980, packed but for those named, without attributes, with a comment."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.comment = b"kept"
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            info.create_system = 0
            archive.writestr(info, content)
            info.external_attr = 0
    return out.getvalue()


def word_paper(body: str = "", **parts: bytes) -> bytes:
    """A paper as Word writes it."""
    return word_file(word_members(body, **parts))


def libreoffice_paper(body: str) -> bytes:
    """A paper as LibreOffice writes it: other members, in another order, with their lengths behind them, dated."""
    namespaces = f'xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:r="{R}" xmlns:w="{W}"'
    declared = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    section = (
        '<w:sectPr><w:type w:val="nextPage"/><w:pgSz w:w="11906" w:h="16838"/><w:formProt w:val="false"/></w:sectPr>'
    )
    plain = '<?xml version="1.0" encoding="UTF-8"?>\n'
    kinds = relationships(("rId1", "styles", "styles.xml"), declaration=plain)
    members = {
        "docProps/app.xml": b"<app/>",
        "word/_rels/document.xml.rels": kinds.replace(b"</Relationships>", b"\n</Relationships>"),
        "word/document.xml": document(body, section=section, namespaces=namespaces, declaration=declared),
        "_rels/.rels": relationships(("rId1", "officeDocument", "word/document.xml"), declaration=plain),
        "[Content_Types].xml": content_types(),
        "word/styles.xml": root("styles", STYLES, namespaces, declared),
    }
    out = _Unseekable()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (2026, 11, 26, 1, 38, 54))
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 0
            archive.writestr(info, content)
            info.external_attr = 0
    return out.getvalue()


class _Unseekable(io.BytesIO):
    """Written from beginning to end, so that a zip has the lengths of its members behind them."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: object) -> int:
        raise OSError("not seekable")

    def tell(self) -> int:
        raise OSError("not seekable")


# Reading them -----------------------------------------------------------------------------------------


def members_of(paper: bytes) -> dict[str, bytes]:
    """The members of a paper by name, in its order."""
    with zipfile.ZipFile(io.BytesIO(paper)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def directory_of(paper: bytes) -> list[tuple[object, ...]]:
    """Name, date, compression and attributes of every member, in order."""
    with zipfile.ZipFile(io.BytesIO(paper)) as archive:
        return [
            (i.filename, i.date_time, i.compress_type, i.external_attr, i.create_system) for i in archive.infolist()
        ]


# Outputs of runs --------------------------------------------------------------------------------------

SLUG = "pilot-evaluation"
EFFECTS = (
    "evaluation,analysis,role,percent_change,percent_low,data\n"
    "pilot-evaluation,primary,primary,-6.2,-19.9,real\n"
    "pilot-evaluation,robbery,secondary,1.5,-9.0,real\n"
)


def places(slug: str = SLUG, data: str = "real", change: str = "−6.2%") -> dict[str, object]:
    """What a run leaves for papers."""
    simulated = " (simulated)" if data == "demonstration" else ""
    effects = {
        "title": "Estimated effects",
        "headings": ["Outcome", "Change", "95% interval"],
        "numeric": [False, True, False],
        "rows": [["Disorder", change, "−19.9% to 7.4%"], ["Robbery", "1.5%", "−9.0% to 13.2%"]],
        "notes": ["Source: Metropolitan Police Service."],
    }
    weaknesses = {"title": "What weakens this answer", "headings": ["No.", "What weakens it"]}
    weaknesses |= {"numeric": [False, False], "rows": [["1", "One neighbourhood was treated."]], "notes": []}
    return {
        "schema_version": 1,
        "evaluation": slug,
        "title": "Neighbourhood Management Pilot",
        "data": data,
        "tables": {"effects": effects, "weaknesses": weaknesses},
        "values": {
            "run": {"programme": f"Pilot{simulated}"},
            "primary": {"percent_change": change + simulated, "reading": f"No clear evidence of a change.{simulated}"},
            "robbery": {"percent_change": f"+1.5%{simulated}", "percent_low": f"−9.0%{simulated}"},
        },
        "figures": {},
    }


def write_run(
    folder: Path,
    content: dict[str, object] | None = None,
    *,
    pictures: dict[str, bytes] | None = None,
    rows: dict[str, str] | None = None,
) -> Path:
    """The outputs of one run in `folder`, with a manifest that lists them."""
    content = places(folder.name) if content is None else content
    shown = {"series": png(40, 20, 10), "forest": png(30, 60, 20)} if pictures is None else pictures
    files = {f"figures/{name}.png": made for name, made in shown.items()}
    content["figures"] = {
        name: {"title": name, "alt": f"Figure {name}: a fall.", "caption": "", "path": f"figures/{name}.png"}
        for name in shown
    }
    tables = {"effects.csv": EFFECTS} if rows is None else rows
    files |= {"places.json": json.dumps(content).encode(), **{name: text.encode() for name, text in tables.items()}}
    listed = [{"path": p, "bytes": len(c), "sha256": hashlib.sha256(c).hexdigest()} for p, c in sorted(files.items())]
    manifest = {
        "schema_version": 1,
        "evaluation": content["evaluation"],
        "data": content["data"],
        "command": f"cseval run {content['evaluation']}",
        "outputs": listed,
        "run": {"seconds": {}},
    }
    files["manifest.json"] = json.dumps(manifest).encode()
    for path, made in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(made)
    return folder
