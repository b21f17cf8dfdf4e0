"""Test that tables and migrations agree; a migration makes a backup first, and changes all or nothing."""

import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from old_tables import make_old_database, query

from app.domain.project import Project
from app.domain.run import Run
from app.domain.variant import Variant
from app.paths import DataPaths
from app.persistence import StoreUnusable, backup, migrate, open_store, revisions, store
from app.persistence.engine import WRITING, writing_engine
from app.persistence.tables import Base

ROOT = Path(__file__).parents[3]
HEAD = revisions.KNOWN[-1]
NEXT = f"{int(HEAD) + 1:04}"
SECOND = f'''"""A further revision, for tests only."""
from alembic import op
import sqlalchemy as sa
revision = "{NEXT}"
down_revision = "{HEAD}"

def upgrade() -> None:
    op.add_column("projects", sa.Column("color", sa.Text(), nullable=True))
    op.execute("UPDATE projects SET color = 'green'")
'''


def test_migrations_make_exactly_the_tables_of_the_models(paths: DataPaths) -> None:
    """Given a database made by migrations, When it is compared with the models, Then there is no difference."""
    make_old_database(paths.database, HEAD, [])
    engine = writing_engine(paths.database)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_new_database_has_the_tables_of_migrations(paths: DataPaths, tmp_path: Path) -> None:
    """Given a new database and one made by migrations, Then tables, keys, indexes and the revision are the same."""
    open_store(paths).close()
    migrated = tmp_path / "migrated.db"
    make_old_database(migrated, HEAD, [])
    assert layout_of(paths.database) == layout_of(migrated)


def layout_of(database: Path) -> dict[str, object]:
    layout: dict[str, object] = {"revision": query(database, "SELECT version_num FROM alembic_version")}
    for (name,) in query(database, "SELECT name FROM sqlite_master WHERE type = 'table'"):
        for pragma in ("table_info", "index_list", "foreign_key_list"):
            layout[f"{name} {pragma}"] = sorted(str(row[1:]) for row in query(database, f"PRAGMA {pragma}({name})"))
    return layout


def test_the_known_revisions_are_those_of_the_scripts() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.SCRIPTS))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert tuple(reversed([script.revision for script in scripts.walk_revisions()])) == revisions.KNOWN
    assert scripts.get_current_head() == revisions.HEAD


def test_connections_use_wal_full_sync_and_foreign_keys(paths: DataPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an open store, Then WAL, synchronous FULL and foreign keys hold on its connections."""
    monkeypatch.setattr("app.persistence.engine.WRITING", WRITING)
    open_store(paths).close()
    engine = writing_engine(paths.database)
    with engine.connect() as connection:
        values = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    engine.dispose()
    assert values == ["wal", 2, 1]
    assert paths.database.stat().st_mode & 0o777 == 0o600


def test_opening_again_loads_no_alembic(paths: DataPaths) -> None:
    """Given an up-to-date database, When another process opens it, Then alembic is not imported."""
    open_store(paths).close()
    code = (
        "import sys; from pathlib import Path; from app.persistence import open_store;"
        "open_store(Path(sys.argv[1])).close(); print('alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(paths.root)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


@pytest.fixture
def second_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Add one revision, as a later program version does."""
    scripts = tmp_path / "scripts % ü"
    shutil.copytree(migrate.SCRIPTS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "v_second.py").write_text(SECOND, encoding="utf-8")
    monkeypatch.setattr(migrate, "SCRIPTS", scripts)
    monkeypatch.setattr(revisions, "KNOWN", (HEAD, NEXT))
    monkeypatch.setattr(migrate, "HEAD", NEXT)
    monkeypatch.setattr(store, "HEAD", NEXT)
    return scripts


def test_an_older_database_is_backed_up_and_brought_up_to_date(
    paths: DataPaths, project: Project, request: pytest.FixtureRequest
) -> None:
    """Given an older database, When it is opened, Then a copy is kept and its records are there."""
    with open_store(paths) as old:
        old.repositories.projects.add(project)
    request.getfixturevalue("second_revision")
    with open_store(paths, read_only=True) as reader:  # reading brings it up to date too, as nobody holds the folder
        assert reader.repositories.projects.get("p1") == project
    copies = [copy for copy in backup.list_backups(paths.backups) if copy.path.stem.endswith(f"-{HEAD}")]
    assert len(copies) == 1 and copies[0].is_intact()
    assert revisions.revision_of(copies[0].path) == HEAD
    assert revisions.revision_of(paths.database) == NEXT
    assert query(paths.database, "SELECT color FROM projects") == [("green",)]


def test_versions_of_the_first_tables_are_read_as_they_were(
    paths: DataPaths, project: Project, run: Run, variant: Variant
) -> None:
    """Given a database of the first tables with a measured version, When it is opened, Then the version is
    unchanged."""
    make_old_database(paths.database, "0001", [project, run, variant])
    with open_store(paths) as again:
        assert again.repositories.variants.get(variant.id) == variant
    assert revisions.revision_of(paths.database) == revisions.HEAD


def test_a_migration_that_fails_changes_nothing(
    paths: DataPaths, project: Project, request: pytest.FixtureRequest
) -> None:
    """Given a migration that fails in the middle, Then the tables are unchanged and the copy is named."""
    with open_store(paths) as old:
        old.repositories.projects.add(project)
    scripts: Path = request.getfixturevalue("second_revision")
    broken = SECOND + "    op.execute('UPDATE nothing SET x = 1')\n"
    (scripts / "versions" / "v_second.py").write_text(broken, encoding="utf-8")
    with pytest.raises(StoreUnusable, match="as before") as caught:
        open_store(paths)
    assert caught.value.code == "migration_failed" and str(paths.backups) in caught.value.hint
    assert revisions.revision_of(paths.database) == HEAD
    assert query(paths.database, "PRAGMA table_info(projects)")[-1][1] == "body_json"
    assert query(paths.database, "SELECT count(*) FROM projects") == [(1,)]


@pytest.mark.parametrize("size_kb", range(180, 420, 24))
def test_database_without_room_is_not_created(small_disk: Path, size_kb: int) -> None:
    """Given a disk with room for a part of a new database, When it is created, Then that is reported and nothing is
    left; once there is room it is created."""
    subprocess.run(["mount", "-o", f"remount,size={size_kb}k", str(small_disk)], check=True)
    paths = DataPaths(small_disk / "home")
    try:
        open_store(paths).close()
    except StoreUnusable as error:
        assert error.code == "disk_full"
        assert not list(paths.root.glob("fettle.db*"))
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    with open_store(paths) as store:
        assert store.repositories.runs.list() == []


def test_without_room_for_a_backup_there_is_no_migration(
    paths: DataPaths, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a full disk, When a migration is due, Then it is refused and the tables are unchanged."""
    open_store(paths).close()
    request.getfixturevalue("second_revision")
    monkeypatch.setattr(backup, "move_synced", Mock(side_effect=OSError(28, "No space left on device")))
    with pytest.raises(StoreUnusable, match="No space left") as caught:
        open_store(paths)
    assert caught.value.code == "backup_failed"
    assert revisions.revision_of(paths.database) == HEAD
    assert not list(paths.backups.glob("*.part"))
