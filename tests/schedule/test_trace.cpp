#include "schedule/planning.h"
#include "schedule/random_profile.h"
#include "schedule/trace.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTest>

#include <map>
#include <set>

using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

/// The events of one kind: 'X', 's', ...
std::vector<QJsonObject> events_of(const QJsonObject& trace, char phase)
{
    std::vector<QJsonObject> result;
    for (const QJsonValue& event : trace["traceEvents"].toArray())
        if (event["ph"].toString() == QChar(phase))
            result.push_back(event.toObject());
    return result;
}

using Track = std::pair<int, int>; // process, thread

Track track_of(const QJsonObject& event)
{
    return {event["pid"].toInt(), event["tid"].toInt()};
}

} // namespace

class TestTrace : public QObject {
    Q_OBJECT
private:
    Profile profile_;
    Plan plan_;
    QJsonObject trace_;

private slots:
    void initTestCase()
    {
        Random random(1);
        profile_ = random_profile(random, 6, 4);
        plan_ = plan_on(profile_, 4, {"tr+dpu", "tr+dpu+ahd", "dp"});
        std::vector<Traced> all;
        for (const PlannedStrategy& planned : plan_.strategies)
            all.push_back({planned.schedule.strategy, planned.program, planned.simulation.timeline, planned.simulation.memory});
        QJsonParseError error;
        trace_ = QJsonDocument::fromJson(QByteArray::fromStdString(to_chrome_trace(all)), &error).object();
        QCOMPARE(error.error, QJsonParseError::NoError);
    }

    void everySpanIsAnEventOfItsDeviceAtItsTimeInMicroseconds()
    {
        std::size_t spans = 0;
        for (const PlannedStrategy& planned : plan_.strategies)
            spans += planned.simulation.timeline.spans.size();
        const std::vector<QJsonObject> events = events_of(trace_, 'X');
        QCOMPARE(events.size(), spans);
        const Span& first = plan_.strategies[0].simulation.timeline.spans[0];
        QCOMPARE(events[0]["name"].toString(), "load");
        QCOMPARE(events[0]["ts"].toDouble(), first.start * 1000);
        QCOMPARE(events[0]["dur"].toDouble(), (first.end - first.start) * 1000);
        QCOMPARE(events[0]["args"]["step"].toInt(), 0);
    }

    void everyDeviceOfEveryStrategyIsAProcessWithThreadsForComputeAndCommunication()
    {
        std::map<int, QString> processes;
        std::map<Track, QString> threads;
        for (const QJsonObject& event : events_of(trace_, 'M')) {
            if (event["name"].toString() == "process_name")
                processes[event["pid"].toInt()] = event["args"]["name"].toString();
            if (event["name"].toString() == "thread_name")
                threads[track_of(event)] = event["args"]["name"].toString();
        }
        QCOMPARE(processes.size(), std::size_t(12));
        QCOMPARE(processes[1], "tr+dpu device 0");
        QCOMPARE(processes[8], "tr+dpu+ahd device 3");
        for (const QJsonObject& event : events_of(trace_, 'X')) {
            const bool communicates = event["cat"].toString() == "communication";
            QCOMPARE(threads[track_of(event)].startsWith("communication"), communicates);
            QVERIFY(communicates || threads[track_of(event)] == "compute");
        }
    }

    void eventsOfAThreadNeverOverlap()
    {
        std::map<Track, double> busy_until;
        for (const QJsonObject& event : events_of(trace_, 'X')) {
            double& until = busy_until[track_of(event)];
            QVERIFY(event["ts"].toDouble() >= until - 1e-6);
            until = event["ts"].toDouble() + event["dur"].toDouble();
        }
    }

    void anArrowLeadsFromEverySendToItsReceive()
    {
        std::map<qint64, QJsonObject> begins;
        for (const QJsonObject& event : events_of(trace_, 's'))
            begins[event["id"].toInteger()] = event;
        const std::vector<QJsonObject> ends = events_of(trace_, 'f');
        std::size_t sends = 0;
        std::map<std::pair<Track, double>, QString> name_at;
        for (const QJsonObject& event : events_of(trace_, 'X')) {
            sends += event["name"].toString().startsWith("send") ? 1 : 0;
            name_at[{track_of(event), event["ts"].toDouble()}] = event["name"].toString();
        }
        QVERIFY(sends > 0);
        QCOMPARE(begins.size(), sends);
        QCOMPARE(ends.size(), sends);
        for (const QJsonObject& end : ends) {
            const QJsonObject& begin = begins[end["id"].toInteger()];
            QVERIFY(begin["pid"].toInt() != end["pid"].toInt());
            QCOMPARE(begin["ts"].toDouble(), end["ts"].toDouble());
            const QString sent = name_at[{track_of(begin), begin["ts"].toDouble()}];
            const QString received = name_at[{track_of(end), end["ts"].toDouble()}];
            QVERIFY2(sent.startsWith("send[T") && received.startsWith("recv[T"), qPrintable(sent + " " + received));
            QCOMPARE(sent.section(']', 0, 0).mid(4), received.section(']', 0, 0).mid(4)); // the same content
        }
    }

    void memoryIsACounterOfEveryDevice()
    {
        std::map<int, std::int64_t> peak;
        for (const QJsonObject& event : events_of(trace_, 'C')) {
            std::int64_t& most = peak[event["pid"].toInt()];
            most = std::max<std::int64_t>(most, event["args"]["bytes"].toInteger());
        }
        QCOMPARE(peak.size(), std::size_t(12));
        for (int device = 0; device < 4; ++device)
            QCOMPARE(peak[1 + device], plan_.strategies[0].simulation.peak_memory[std::size_t(device)]);
    }

    void byDeviceTheSameDeviceOfEveryProgramStandsTogether()
    {
        std::vector<Traced> two;
        for (const char* name : {"predicted", "measured"})
            two.push_back({name, plan_.strategies[0].program, plan_.strategies[0].simulation.timeline, {}});
        const QJsonObject trace
            = QJsonDocument::fromJson(QByteArray::fromStdString(to_chrome_trace(two, Grouping::ByDevice))).object();
        std::map<int, QString> processes;
        for (const QJsonObject& event : events_of(trace, 'M'))
            if (event["name"].toString() == "process_name")
                processes[event["pid"].toInt()] = event["args"]["name"].toString();
        QCOMPARE(processes.size(), std::size_t(8));
        QCOMPARE(processes[1], "device 0 predicted");
        QCOMPARE(processes[2], "device 0 measured");
        QCOMPARE(processes[8], "device 3 measured");
    }

    void anArrowWhoseOtherEndIsCutOffIsLeftOut()
    {
        const PlannedStrategy& planned = plan_.strategies[0];
        Timeline cut = planned.simulation.timeline;
        const auto is = [&](const Span& span, Op op) {
            return planned.program.phases[0].devices[std::size_t(span.device)].instructions[std::size_t(span.index)].op == op;
        };
        std::erase_if(cut.spans,
            [&](const Span& span) { return (span.step == 0 && is(span, Op::Send)) || (span.step == 3 && is(span, Op::Receive)); });
        const Traced traced{"", planned.program, cut, {}};
        const QJsonObject trace = QJsonDocument::fromJson(QByteArray::fromStdString(to_chrome_trace({&traced, 1}))).object();
        const std::vector<QJsonObject> begins = events_of(trace, 's');
        const std::vector<QJsonObject> ends = events_of(trace, 'f');
        QVERIFY(!begins.empty());
        QCOMPARE(begins.size(), ends.size());
        for (std::size_t i = 0; i < begins.size(); ++i)
            QCOMPARE(begins[i]["ts"].toDouble(), ends[i]["ts"].toDouble()); // of the same transfer
    }

    void namesAreEscaped()
    {
        const Program program = from_text("device 0: load T0 F0 B0 U0");
        Random random(2);
        const Simulation simulation = simulate(program, random_profile(random, 1, 1));
        const Traced odd{"a \"quoted\"\n name", program, simulation.timeline, {}};
        QJsonParseError error;
        QJsonDocument::fromJson(QByteArray::fromStdString(to_chrome_trace({&odd, 1})), &error);
        QCOMPARE(error.error, QJsonParseError::NoError);
    }
};

QTEST_APPLESS_MAIN(TestTrace)
#include "test_trace.moc"
