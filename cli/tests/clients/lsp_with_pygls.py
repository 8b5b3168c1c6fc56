"""Speaks to `ctr lsp` with somebody else's client, pygls, so that server and
test client cannot share a misreading of the protocol.

    pip install pygls
    python lsp_with_pygls.py target/debug/ctr
"""

import asyncio
import pathlib
import sys
import tempfile

from lsprotocol import types
from pygls.lsp.client import LanguageClient

MODELS = """\
Models:
  - {id: haiku, api: "https://a.example", key: "${A_KEY}", model: m}
"""
SLOTS = """\
Router:
  default: haiku
  think: haikku
  \n"""
KDL = 'model "haiku" {\n    api "https://a.example"\n    \n}\n'


async def main(ctr: str) -> None:
    folder = pathlib.Path(tempfile.mkdtemp()).resolve()
    (folder / "models.yaml").write_text(MODELS)
    (folder / "slots.yaml").write_text(SLOTS)
    slots, models = (folder / "slots.yaml").as_uri(), (folder / "models.yaml").as_uri()

    client = LanguageClient("check", "1")
    told: asyncio.Queue = asyncio.Queue()

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def _(params: types.PublishDiagnosticsParams) -> None:
        told.put_nowait(params)

    @client.feature(types.CLIENT_REGISTER_CAPABILITY)
    def _(params: types.RegistrationParams) -> None:
        return None

    async def diagnostics(uri: str, wanted):
        while True:
            params = await asyncio.wait_for(told.get(), 60)
            if params.uri == uri and wanted(params.diagnostics):
                return params.diagnostics

    await client.start_io(ctr, "lsp", "--set", str(folder))
    result = await client.initialize_async(
        types.InitializeParams(
            capabilities=types.ClientCapabilities(
                text_document=types.TextDocumentClientCapabilities(
                    completion=types.CompletionClientCapabilities(
                        completion_item=types.ClientCompletionItemOptions(snippet_support=True)
                    )
                )
            )
        )
    )
    assert result.server_info.name == "ctr"
    client.initialized(types.InitializedParams())

    def opened(uri: str, language: str, text: str) -> None:
        item = types.TextDocumentItem(uri=uri, language_id=language, version=1, text=text)
        client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))

    opened(slots, "yaml", SLOTS)
    found = await diagnostics(slots, lambda found: len(found) == 1)
    assert found[0].code == "router/unknown-model", found
    assert "haikku" in found[0].message

    document = types.TextDocumentIdentifier(uri=slots)
    at = types.Position(line=1, character=12)

    items = await client.text_document_completion_async(
        types.CompletionParams(text_document=document, position=types.Position(line=3, character=2))
    )
    assert "background" in [item.label for item in items.items], items
    hover = await client.text_document_hover_async(types.HoverParams(text_document=document, position=at))
    assert hover.contents.value.startswith("model `haiku`"), hover
    places = await client.text_document_definition_async(
        types.DefinitionParams(text_document=document, position=at)
    )
    assert [place.uri for place in places] == [models], places
    places = await client.text_document_references_async(
        types.ReferenceParams(
            text_document=document,
            position=at,
            context=types.ReferenceContext(include_declaration=True),
        )
    )
    assert len(places) == 2, places
    ready = await client.text_document_prepare_rename_async(
        types.PrepareRenameParams(text_document=document, position=at)
    )
    assert ready.placeholder == "haiku", ready
    actions = await client.text_document_code_action_async(
        types.CodeActionParams(
            text_document=document,
            range=found[0].range,
            context=types.CodeActionContext(diagnostics=list(found)),
        )
    )
    fix = actions[0].edit.changes[slots][0]
    assert fix.new_text == "haiku", actions

    client.text_document_did_change(
        types.DidChangeTextDocumentParams(
            text_document=types.VersionedTextDocumentIdentifier(uri=slots, version=2),
            content_changes=[
                types.TextDocumentContentChangePartial(range=fix.range, text=fix.new_text)
            ],
        )
    )
    await diagnostics(slots, lambda found: not found)
    edit = await client.text_document_rename_async(
        types.RenameParams(text_document=document, position=at, new_name="small")
    )
    assert sorted(edit.changes) == sorted([models, slots]), edit
    assert len(edit.changes[slots]) == 2, edit

    kdl = (folder.parent / "other.kdl").as_uri()
    opened(kdl, "kdl", KDL)
    items = await client.text_document_completion_async(
        types.CompletionParams(
            text_document=types.TextDocumentIdentifier(uri=kdl),
            position=types.Position(line=2, character=4),
        )
    )
    assert "key" in [item.label for item in items.items], items

    await client.shutdown_async(None)
    client.exit(None)
    code = await client._server.wait()
    assert code == 0, code
    print("pygls and ctr lsp understand each other")


asyncio.run(main(sys.argv[1]))
