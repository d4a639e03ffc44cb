"""A file in an upload button, as the installed ipywidgets puts it there when somebody chooses it."""

from datetime import UTC, datetime

import ipywidgets as widgets


def choose_file(button: widgets.FileUpload, name: str, content: bytes) -> None:
    if int(widgets.__version__.split(".")[0]) < 8:
        button.metadata, button.data = [{"name": name, "size": len(content)}], [content]
        button._counter += 1
    else:
        file = {"name": name, "type": "", "size": len(content), "last_modified": datetime.now(UTC)}
        button.value = (file | {"content": memoryview(content)},)
