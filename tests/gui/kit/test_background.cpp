#include "base/error.h"
#include "gui/kit/background.h"
#include "gui_testing.h"

#include <QThreadPool>

#include <semaphore>

namespace pipebd::gui {

class BackgroundTest : public QObject {
    Q_OBJECT

private slots:
    void init() { failOnAnyWarning(); }
    void cleanup() { QThreadPool::globalInstance()->waitForDone(); }
    void aResultComesInTheThreadThatAskedForIt();
    void ofManyRequestsOnlyTheFirstAndTheNewestAreWorkedOn();
    void anErrorComesAsOneLine();
    void aFurtherRequestMayBeMadeWhileAResultIsDelivered();
    void whatIsForgottenIsNotDelivered();
    void nothingIsDeliveredToWhoIsGone();
};

namespace {

// What came of requests.
struct Results {
    QList<int> values;
    QStringList errors;
    QThread* thread = nullptr;
    Background<int> background{[this](int value) {
                                   values << value;
                                   thread = QThread::currentThread();
                               },
        [this](const QString& error) { errors << error; }};
};

} // namespace

void BackgroundTest::aResultComesInTheThreadThatAskedForIt()
{
    Results results;
    QThread* worker = nullptr;
    results.background.request([&worker] {
        worker = QThread::currentThread();
        return 7;
    });
    QVERIFY(results.background.isBusy());
    QTRY_COMPARE(results.values, QList<int>{7});
    QCOMPARE(results.thread, QThread::currentThread());
    QVERIFY(worker != results.thread);
    QVERIFY(!results.background.isBusy());
}

void BackgroundTest::ofManyRequestsOnlyTheFirstAndTheNewestAreWorkedOn()
{
    std::binary_semaphore gate(0);
    std::atomic<int> worked = 0;
    Results results;
    for (int value = 0; value < 100; ++value)
        results.background.request([&gate, &worked, value] {
            if (worked++ == 0)
                gate.acquire();
            return value;
        });
    gate.release();
    QTRY_COMPARE(results.values, (QList<int>{0, 99}));
    QCOMPARE(worked.load(), 2);
}

void BackgroundTest::anErrorComesAsOneLine()
{
    Results results;
    results.background.request([]() -> int { throw Error(Code::Damaged, "the file is\ndamaged", "there", "mend it"); });
    QTRY_COMPARE(results.errors, QStringList{"the file is damaged: there; mend it"});
    QVERIFY(results.values.isEmpty());
    results.background.request([] { return 1; });
    QTRY_COMPARE(results.values, QList<int>{1});
}

void BackgroundTest::aFurtherRequestMayBeMadeWhileAResultIsDelivered()
{
    QList<int> values;
    std::unique_ptr<Background<int>> background;
    background = std::make_unique<Background<int>>(
        [&](int value) {
            values << value;
            if (value < 3)
                background->request([value] { return value + 1; });
        },
        [](const QString&) {});
    background->request([] { return 0; });
    QTRY_COMPARE(values, (QList<int>{0, 1, 2, 3}));
    QVERIFY(!background->isBusy());
}

void BackgroundTest::whatIsForgottenIsNotDelivered()
{
    std::binary_semaphore gate(0);
    Results results;
    results.background.request([&gate] {
        gate.acquire();
        return 1;
    });
    results.background.request([] { return 2; });
    results.background.forget();
    QVERIFY(!results.background.isBusy());
    gate.release();
    results.background.request([] { return 3; });
    QTRY_COMPARE(results.values, QList<int>{3});
}

void BackgroundTest::nothingIsDeliveredToWhoIsGone()
{
    std::binary_semaphore gate(0);
    auto results = std::make_unique<Results>();
    bool delivered = false;
    Background<int> other([&](int) { delivered = true; }, [](const QString&) {});
    results->background.request([&gate] {
        gate.acquire();
        return 1;
    });
    results.reset(); // with it what a delivery would write to
    gate.release();
    QThreadPool::globalInstance()->waitForDone();
    other.request([] { return 1; }); // delivered after what the other one would have been
    QTRY_VERIFY(delivered);
}

} // namespace pipebd::gui

QTEST_MAIN(pipebd::gui::BackgroundTest)
#include "test_background.moc"
