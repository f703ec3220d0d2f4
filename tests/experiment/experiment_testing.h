// What the tests of core/experiment share.
#pragma once

#include "base/base_testing.h"

/// `body` throws an Error of this code whose line has this fragment.
#define VERIFY_REFUSED(body, expected_code, fragment)                                                                              \
    do {                                                                                                                           \
        const auto refusal = pipebd::errorOf([&] { (void)(body); });                                                               \
        QVERIFY2(refusal, "nothing was refused");                                                                                  \
        QCOMPARE(to_string(refusal->code()), to_string(expected_code));                                                            \
        QVERIFY2(QByteArray(refusal->what()).contains(QByteArray(fragment)), refusal->what());                                     \
    } while (false)
