"""Projects, which belong to teams: whoever is in the team may see and change them, in theory.

Who is asking is whom the gateway names in `X-Stockade-Principal`; which team that is in, the shop knows.
"""

from __future__ import annotations

from fastapi import APIRouter

from shop.routes import NOT_FOUND, Asking, Id, TheShop, found
from shop.schemas import DocumentDraft, Project, TeamName

router = APIRouter()


@router.get("/projects", tags=["projects"], summary="List the projects of one's team")
async def list_projects(shop: TheShop, asking: Asking = 0) -> list[Project]:
    return [each for each in shop.projects.values() if each.team == shop.teams.get(asking)]


@router.post("/projects", tags=["projects"], summary="Begin a project", status_code=201)
async def begin_project(shop: TheShop, draft: DocumentDraft, asking: Asking = 0) -> Project:
    project = Project(id=len(shop.projects) + 1, team=shop.teams.get(asking, ""), title=draft.title)
    shop.projects[project.id] = project
    return project


# Careless, all of these: API1:2023 Broken Object Level Authorization. Whose project it is does not matter.


@router.get("/projects/{id}", tags=["projects"], summary="Show a project", responses=NOT_FOUND)
async def show_project(shop: TheShop, project_id: Id) -> Project:
    return found(shop.projects, project_id, "project")


@router.put("/projects/{id}", tags=["projects"], summary="Rename a project", responses=NOT_FOUND)
async def rename_project(shop: TheShop, project_id: Id, draft: DocumentDraft) -> Project:
    project = found(shop.projects, project_id, "project")
    project.title = draft.title
    return project


@router.post("/projects/{id}/team", tags=["projects"], summary="Give it to another team", responses=NOT_FOUND)
async def give_project(shop: TheShop, project_id: Id, to: TeamName) -> Project:
    project = found(shop.projects, project_id, "project")
    project.team = to.team
    return project
