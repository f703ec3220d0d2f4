// The format of run.sqlite (docs/formats/lab.md). For this folder and its tests only.
#pragma once

#include "store/database.h"

#include <array>

namespace pipebd::store {

inline constexpr const char* database_name = "run.sqlite";

inline constexpr std::array<const char*, 1> run_steps{R"(
    CREATE TABLE record (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        state TEXT NOT NULL,
        json TEXT NOT NULL
    ) STRICT;
    CREATE TABLE document (
        name TEXT PRIMARY KEY,
        text TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE series (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        rank INTEGER NOT NULL,
        block INTEGER NOT NULL,
        UNIQUE (name, rank, block)
    ) STRICT;
    CREATE TABLE sample (
        id INTEGER PRIMARY KEY,
        series INTEGER NOT NULL REFERENCES series (id),
        step INTEGER NOT NULL,
        t REAL NOT NULL,
        value REAL
    ) STRICT;
    CREATE TABLE span (
        id INTEGER PRIMARY KEY,
        rank INTEGER NOT NULL,
        phase INTEGER NOT NULL,
        step INTEGER NOT NULL,
        position INTEGER NOT NULL,
        start REAL NOT NULL,
        end REAL NOT NULL
    ) STRICT;
    CREATE TABLE log (
        id INTEGER PRIMARY KEY,
        t REAL NOT NULL,
        rank INTEGER NOT NULL,
        text TEXT NOT NULL
    ) STRICT;
    CREATE TABLE seal (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        algorithm TEXT NOT NULL,
        checksum TEXT NOT NULL
    ) STRICT;
)"};

inline const Format run_format{
    .name = "run database", .application_id = 0x50424452 /* "PBDR" */, .steps = run_steps, .write_ahead_log = true};

} // namespace pipebd::store
