"""SQLite tables beside the rows of components: labels in other languages, unpublished changes, what apps show."""

from __future__ import annotations

CREATE = """
    create table _loc_label (
        row_id text not null, name text not null, language integer not null, label text not null,
        primary key (row_id, name, language)
    );
    create table _unpublished (
        table_name text not null, row_id text not null, changes text not null, primary key (table_name, row_id)
    );
    create table _app_component (
        app_id text not null, component_type integer not null, object_id text not null, primary key (app_id, object_id)
    );
"""
