"""A package: claims, evidence, code, runs, exploration, paper, ledger, reviews."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter()
