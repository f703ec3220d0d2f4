// What the tests of core/experiment share.
#pragma once

#include "base/error.h"

#include <QTemporaryDir>
#include <QTest>

#include <filesystem>
#include <optional>
#include <string>

namespace pipebd::experiment {

namespace fs = std::filesystem;

/// The Error that `body` throws; nothing if it throws none.
template <typename Body>
std::optional<Error> errorOf(Body&& body)
{
    try {
        body();
    } catch (const Error& error) {
        return error;
    }
    return std::nullopt;
}

} // namespace pipebd::experiment

/// `body` throws an Error of this code whose line has this fragment.
#define VERIFY_REFUSED(body, expected_code, fragment)                                                                              \
    do {                                                                                                                           \
        const auto refusal = pipebd::experiment::errorOf([&] { (void)(body); });                                                   \
        QVERIFY2(refusal, "nothing was refused");                                                                                  \
        QCOMPARE(to_string(refusal->code()), to_string(expected_code));                                                            \
        QVERIFY2(QByteArray(refusal->what()).contains(QByteArray(fragment)), refusal->what());                                     \
    } while (false)
