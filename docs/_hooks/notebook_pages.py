"""A hook of MkDocs: every notebook in examples/ is run when the site is built, and becomes a page with its output."""

import tempfile
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from traitlets.config import Config

FOLDER = "tutorials"
DOWNLOAD = "[Download this page as a notebook]({name}){{ .md-button download }}\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page, its pictures and the notebook itself to the site's files."""
    for path in sorted((Path(config.config_file_path).parent / "examples").glob("*.ipynb")):
        for name, content in pages(path).items():
            files.append(File.generated(config, f"{FOLDER}/{name}", content=content))
    return files


def pages(path: Path) -> dict[str, str | bytes]:
    """Run the notebook at `path`; its page in Markdown, its pictures and itself by file name."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as sockets:
        # Talk to the kernel over files, not over TCP, to which anybody on this computer could listen.
        private = Config({"ConnectionFileMixin": {"transport": "ipc", "ip": f"{sockets}/kernel"}})
        NotebookClient(notebook, timeout=600, kernel_name="python3", config=private).execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            # Of a picture or a table in HTML the text form is noise.
            data = output.get("data", {})
            if len(data) > 1:
                data.pop("text/plain", None)
    body, resources = MarkdownExporter().from_notebook_node(notebook)
    pictures = {name: bytes(data) for name, data in resources["outputs"].items()}
    renamed = {name: f"{path.stem}-{number:02}.png" for number, name in enumerate(pictures, start=1)}
    for name, better in renamed.items():
        body = body.replace(f"![png]({name})", f"![What the cell above shows]({better})")
    written: dict[str, str | bytes] = {better: pictures[name] for name, better in renamed.items()}
    written[f"{path.stem}.md"] = f"{body}\n{DOWNLOAD.format(name=path.name)}"
    written[path.name] = path.read_bytes()
    return written
