"""Documents that customers write, share, hand over and throw away. Nobody is asked who they are.

Who is asking, where it matters at all, is whom the gateway names in `X-Stockade-Principal`.
"""

from __future__ import annotations

from fastapi import APIRouter, Response

from shop.routes import NOT_FOUND, Asking, Id, TheShop, found
from shop.schemas import Document, DocumentDraft, Recipient

router = APIRouter()


@router.get("/documents", tags=["documents"], summary="List one's own documents and those that one may read")
async def list_documents(shop: TheShop, asking: Asking = 0) -> list[Document]:
    return [each for each in shop.documents.values() if asking in (each.user_id, *each.readers)]


@router.post("/documents", tags=["documents"], summary="Write a document", status_code=201)
async def write_document(shop: TheShop, draft: DocumentDraft, asking: Asking = 0) -> Document:
    shop.written += 1
    document = Document(id=shop.written, user_id=asking, title=draft.title, readers=[])
    shop.documents[document.id] = document
    return document


# Careless, all of these: API1:2023 Broken Object Level Authorization. Whose document it is does not matter.


@router.get("/documents/{id}", tags=["documents"], summary="Read a document", responses=NOT_FOUND)
async def read_document(shop: TheShop, document_id: Id) -> Document:
    return found(shop.documents, document_id, "document")


@router.put("/documents/{id}", tags=["documents"], summary="Rewrite a document", responses=NOT_FOUND)
async def rewrite_document(shop: TheShop, document_id: Id, draft: DocumentDraft) -> Document:
    document = found(shop.documents, document_id, "document")
    document.title = draft.title
    return document


@router.post("/documents/{id}/shares", tags=["documents"], summary="Let another read it", responses=NOT_FOUND)
async def share_document(shop: TheShop, document_id: Id, recipient: Recipient) -> Document:
    document = found(shop.documents, document_id, "document")
    document.readers.append(recipient.user_id)
    return document


@router.post("/documents/{id}/owner", tags=["documents"], summary="Hand it over", responses=NOT_FOUND)
async def hand_over_document(shop: TheShop, document_id: Id, recipient: Recipient) -> Document:
    document = found(shop.documents, document_id, "document")
    document.user_id, document.readers = recipient.user_id, []
    return document


@router.delete("/documents/{id}", tags=["documents"], summary="Throw it away", status_code=204, responses=NOT_FOUND)
async def delete_document(shop: TheShop, document_id: Id) -> Response:
    found(shop.documents, document_id, "document")
    del shop.documents[document_id]
    return Response(status_code=204)
