#include "base/error.h"
#include "schedule/costs.h"
#include "schedule/profile.h"
#include "schedule/random_profile.h"

#include <QTest>

#include <functional>

using namespace pipebd;
using namespace pipebd::schedule;
using namespace pipebd::schedule::test;

namespace {

const std::string example = R"({"format": "pipebd.profile/1", "pair": "two", "device": "cpu", "dtype": "float32", "batch": 8,
 "load": {"8": 3.5, "4": 1.75},
 "blocks": [
  {"name": "first", "teacher_forward": {"8": 4.25, "4": 2}, "student_forward": {"8": 5, "4": 3}, "student_backward": {"8": 9, "4": 5},
   "update": 0.5, "all_reduce": {"2": 0.25}, "output_bytes": 100, "activation_bytes": 2000,
   "teacher_bytes": 11, "student_bytes": 12, "gradient_bytes": 13, "optimizer_bytes": 14, "spread": {"update": {"8": 0.125}}},
  {"name": "second", "teacher_forward": {"8": 1}, "student_forward": {"8": 2}, "student_backward": {"8": 3},
   "update": 0, "all_reduce": {}, "output_bytes": 7, "activation_bytes": 0,
   "teacher_bytes": 0, "student_bytes": 0, "gradient_bytes": 0, "optimizer_bytes": 0}],
 "link": {"latency": 0.5, "bytes_per_ms": 1000}, "note": "keys that are not known are let be"})";

std::string replaced(std::string text, const std::string& what, const std::string& by)
{
    const std::size_t place = text.find(what);
    if (place == std::string::npos)
        qFatal("the example has no %s", what.c_str());
    return text.replace(place, what.size(), by);
}

/// The error of reading `json`, or Internal "accepted".
Error error_of(const std::string& json)
{
    try {
        profile_from_json(json, "p.json");
    } catch (const Error& error) {
        return error;
    }
    return Error(Code::Internal, "accepted", "");
}

} // namespace

class TestProfile : public QObject {
    Q_OBJECT
private slots:
    void everyValueIsReadToItsPlace()
    {
        const Profile profile = profile_from_json(example, "p.json");
        QCOMPARE(profile.pair, std::string("two"));
        QCOMPARE(profile.device, std::string("cpu"));
        QCOMPARE(profile.dtype, std::string("float32"));
        QCOMPARE(profile.batch, 8);
        QCOMPARE(profile.load, (TimeBySamples{{8, 3.5}, {4, 1.75}}));
        QCOMPARE(profile.blocks.size(), std::size_t(2));
        const BlockProfile& block = profile.blocks[0];
        QCOMPARE(block.name, std::string("first"));
        QCOMPARE(block.teacher_forward, (TimeBySamples{{8, 4.25}, {4, 2}}));
        QCOMPARE(block.student_forward, (TimeBySamples{{8, 5}, {4, 3}}));
        QCOMPARE(block.student_backward, (TimeBySamples{{8, 9}, {4, 5}}));
        QCOMPARE(block.update, 0.5);
        QCOMPARE(block.teacher_update, 0.5); // as it does not say
        QCOMPARE(block.all_reduce, (TimeByDevices{{2, 0.25}}));
        QCOMPARE(block.output_bytes, 100);
        QCOMPARE(block.activation_bytes, 2000);
        QCOMPARE(block.teacher_bytes, 11);
        QCOMPARE(block.student_bytes, 12);
        QCOMPARE(block.gradient_bytes, 13);
        QCOMPARE(block.optimizer_bytes, 14);
        QCOMPARE(block.spread.at("update"), (TimeBySamples{{8, 0.125}}));
        QCOMPARE(profile.blocks[1].name, std::string("second"));
        QCOMPARE(profile.link.latency, 0.5);
        QCOMPARE(profile.link.bytes_per_ms, 1000.0);
    }

    void whatIsWrittenReadsBackBitForBit()
    {
        Random random(3);
        for (int i = 0; i < 20; ++i) {
            const std::string written = to_json(random_profile(random, whole(random, 1, 6), whole(random, 1, 4)));
            QCOMPARE(to_json(profile_from_json(written, "p.json")), written);
        }
    }

    void whatMayBeLeftOutIsReadAndWrittenWhereItIsThere()
    {
        std::string given = replaced(example, "\"update\": 0.5", "\"update\": 0.5, \"teacher_update\": 0.25");
        given = replaced(given, "\"batch\": 8", "\"batch\": 8, \"samples\": 50000");
        const Profile profile = profile_from_json(given, "p.json");
        QCOMPARE(profile.blocks[0].teacher_update, 0.25);
        QCOMPARE(profile.samples, 50'000);
        QCOMPARE(profile_from_json(to_json(profile), "p.json").blocks[0].teacher_update, 0.25);
        QCOMPARE(profile_from_json(to_json(profile), "p.json").samples, 50'000);
        QCOMPARE(profile_from_json(example, "p.json").samples, 0);
    }

    void timesBetweenAndBeyondTheSizesAreInterpolated()
    {
        const std::map<int, double> times = {{4, 3.0}, {8, 5.0}, {16, 7.0}};
        QCOMPARE(interpolated(times, 8), 5.0);
        QCOMPARE(interpolated(times, 6), 4.0);
        QCOMPARE(interpolated(times, 12), 6.0);
        QCOMPARE(interpolated(times, 24), 9.0); // along the last two
        QCOMPARE(interpolated(times, 2), 2.0); // along the first two
        QCOMPARE(interpolated({{4, 3.0}, {8, 100.0}}, 2), 1.5); // but not less than its share
        QCOMPARE(interpolated({{4, 5.0}, {8, 3.0}}, 2), 5.0); // nor more than the first
        QCOMPARE(interpolated({{4, 5.0}, {8, 3.0}}, 16), 3.0); // nor less than the last
        QCOMPARE(interpolated({{8, 4.0}}, 2), 1.0);
        QCOMPARE(interpolated({{8, 4.0}}, 16), 8.0);
        QCOMPARE(interpolated({}, 16), 0.0);
    }

    void aProfileForAnotherBatchHasATimeForEverySize()
    {
        const Profile larger = at_batch(profile_from_json(example, "p.json"), 10);
        QCOMPARE(larger.batch, 10);
        const Cluster three = alike(3);
        const Costs costs(larger, three);
        QCOMPARE(costs.load(10), 3.5 + 2 * 1.75 / 4);
        QVERIFY(costs.stage({0, 2, {0, 1, 2}}) > 0);
        const Profile exact = profile_from_json(example, "p.json");
        QVERIFY_THROWS_EXCEPTION(Error, Costs(exact, three).stage({0, 2, {0, 1, 2}}));
    }

    void timesOfAProfileAreThatOfTheExactSizeOnly()
    {
        const Profile profile = profile_from_json(example, "p.json");
        QCOMPARE(time_for(profile.load, 4, "load"), 1.75);
        QCOMPARE(all_reduce_time(profile.blocks[1], 1), 0.0);
        QCOMPARE(all_reduce_time(profile.blocks[0], 2), 0.25);
        QCOMPARE(transfer_time(profile.link, 500), 1.0);
        QCOMPARE(transfer_time(Link{0.5, 0}, 500), 0.5);
        try {
            time_for(profile.blocks[0].teacher_forward, 3, "blocks[0].teacher_forward");
            QFAIL("there is no time for 3 samples");
        } catch (const Error& error) {
            QCOMPARE(error.code(), Code::BadRequest);
            const std::string line = error.what();
            QCOMPARE(line,
                std::string("the profile has no time for 3 samples: blocks[0].teacher_forward; measure it with pipebd profile "
                            "EXPERIMENT --sizes 3 (it has times for 4, 8)"));
        }
        QVERIFY_THROWS_EXCEPTION(Error, all_reduce_time(profile.blocks[0], 3));
    }

    void aBadValueIsRefusedAndItsPlaceNamed_data()
    {
        QTest::addColumn<std::string>("json");
        QTest::addColumn<std::string>("place");
        const auto row = [](const char* name, const std::string& what, const std::string& by, const char* place) {
            QTest::newRow(name) << replaced(example, what, by) << "p.json" + (*place ? ": " + std::string(place) : "");
        };
        row("another format", "pipebd.profile/1", "pipebd.plan/1", "format");
        row("batch of none", "\"batch\": 8", "\"batch\": 0", "batch");
        row("half a sample", "\"batch\": 8", "\"batch\": 8.5", "batch");
        row("batch in words", "\"batch\": 8", "\"batch\": \"8\"", "batch");
        row("huge batch", "\"batch\": 8", "\"batch\": 1e300", "batch");
        row("negative time", "4.25", "-4.25", "blocks[0].teacher_forward[\"8\"]");
        row("time null, as some write NaN", "4.25", "null", "blocks[0].teacher_forward[\"8\"]");
        row("time in words", "4.25", "\"NaN\"", "blocks[0].teacher_forward[\"8\"]");
        row("endless time", "4.25", "1e300", "blocks[0].teacher_forward[\"8\"]");
        row("negative update", "\"update\": 0.5", "\"update\": -1", "blocks[0].update");
        row("size in words", "{\"8\": 3.5", "{\"eight\": 3.5", "load[\"eight\"]");
        row("size of none", "{\"8\": 3.5", "{\"0\": 3.5", "load[\"0\"]");
        row("size written twice", "\"4\": 1.75", "\"08\": 1.75", "load[\"08\"]");
        row("huge size", "{\"8\": 3.5", "{\"99999999999999999999\": 3.5", "load[\"99999999999999999999\"]");
        row("the same size twice", "\"4\": 1.75", "\"8\": 1.75", "");
        row("a size twice before one in words", "\"4\": 1.75", "\"8\": 1.75, \"eight\": 1", "");
        row("a time that is none after one", "\"4\": 1.75", "\"4\": true", "load[\"4\"]");
        row("times of times", "\"4\": 1.75", "\"4\": {\"8\": 1}", "load[\"4\"]");
        row("times for one", "\"update\": 0.5", "\"update\": {\"8\": 0.5}", "blocks[0].update");
        row("times for sizes", "\"batch\": 8", "\"batch\": 8, \"interpolated\": {\"load\": {\"8\": 1}}", "interpolated.load");
        row("no batch size", "{\"8\": 1}", "{}", "blocks[1].teacher_forward");
        row("times as a list", "{\"8\": 1}", "[1]", "blocks[1].teacher_forward");
        row("negative bytes", "\"output_bytes\": 7", "\"output_bytes\": -7", "blocks[1].output_bytes");
        row("two blocks of one name", "\"second\"", "\"first\"", "blocks[1].name");
        row("negative latency", "\"latency\": 0.5", "\"latency\": -0.5", "link.latency");
        row("negative teacher update", "\"update\": 0.5", "\"update\": 0.5, \"teacher_update\": -1", "blocks[0].teacher_update");
        row("no samples", "\"batch\": 8", "\"batch\": 8, \"samples\": 0", "samples");
        row("half a data set", "\"batch\": 8", "\"batch\": 8, \"samples\": 0.5", "samples");
        row("bad spread", "{\"8\": 0.125}", "{\"8\": -1}", "blocks[0].spread.update[\"8\"]");
        QTest::newRow("no blocks") << example.substr(0, example.find("\"blocks\""))
                + "\"blocks\": [], \"link\": {\"latency\": 0, \"bytes_per_ms\": 0}}"
                                   << std::string("p.json: blocks");
        QTest::newRow("a list") << std::string("[]") << std::string("p.json");
        QTest::newRow("null") << std::string("null") << std::string("p.json");
    }

    void aBadValueIsRefusedAndItsPlaceNamed()
    {
        QFETCH(std::string, json);
        QFETCH(std::string, place);
        const Error error = error_of(json);
        QCOMPARE(error.code(), Code::BadRequest);
        QCOMPARE(error.where(), place);
    }

    void aValueThatIsMissingIsNamed_data()
    {
        QTest::addColumn<QString>("key");
        for (const char* key : {"format", "pair", "device", "dtype", "batch", "load", "blocks", "link", "name", "teacher_forward",
                 "student_forward", "student_backward", "update", "all_reduce", "output_bytes", "activation_bytes", "teacher_bytes",
                 "student_bytes", "gradient_bytes", "optimizer_bytes", "latency", "bytes_per_ms"})
            QTest::newRow(key) << key;
    }

    void aValueThatIsMissingIsNamed()
    {
        QFETCH(QString, key);
        const std::string quoted = '"' + key.toStdString() + "\":";
        const Error error = error_of(replaced(example, quoted, "\"other\":"));
        QCOMPARE(error.code(), Code::BadRequest);
        QVERIFY2(error.problem().find('"' + key.toStdString() + '"') != std::string::npos, error.what());
    }

    void whatIsNotJsonIsDamagedAtALineAndColumn()
    {
        const Error cut = error_of(example.substr(0, example.find("\"second\"")));
        QCOMPARE(cut.code(), Code::Damaged);
        QCOMPARE(cut.where(), std::string("p.json:7:12"));
        const Error not_a_number = error_of(replaced(example, "4.25", "NaN"));
        QCOMPARE(not_a_number.code(), Code::Damaged);
        QVERIFY2(not_a_number.where().starts_with("p.json:4:"), not_a_number.what());
        QCOMPARE(error_of(replaced(example, "4.25", "1e999")).code(), Code::Damaged);
        QCOMPARE(error_of(replaced(example, "\"two\"", "\"\xff\"")).code(), Code::Damaged);
    }

    void I5_aProfileCutAnywhereIsRefused()
    {
        for (std::size_t length = 0; length < example.size(); ++length)
            QCOMPARE(error_of(example.substr(0, length)).code(), Code::Damaged);
    }

    void I5_aDamagedProfileIsReadOrRefusedButNeverCrashes()
    {
        Random random(2026);
        for (int i = 0; i < 2000; ++i) {
            const std::string json = damaged(example, random);
            try {
                const Profile profile = profile_from_json(json, "p.json");
                QVERIFY(!profile.blocks.empty());
            } catch (const Error& error) {
                QVERIFY2(error.code() == Code::BadRequest || error.code() == Code::Damaged, error.what());
            }
        }
        QCOMPARE(error_of(std::string(1'000'000, '[')).code(), Code::Damaged);
    }
};

QTEST_APPLESS_MAIN(TestProfile)
#include "test_profile.moc"
