// RunStore and RunLock: what a run stores is read back as it was, by whom it may be, and is sealed in the end.
#include "store_testing.h"

#include <QCryptographicHash>
#include <QDataStream>

#include <bit>
#include <cmath>
#include <limits>

using namespace pipebd;
using namespace pipebd::store;
using namespace std::chrono_literals;

namespace {

const std::vector<RunState> allStates{
    RunState::Queued, RunState::Running, RunState::Finished, RunState::Failed, RunState::Cancelled, RunState::Lost};

// The checksum as docs/formats/lab.md describes it, with other libraries than the store's.
std::string checksumAsDocumented(const fs::path& file)
{
    QByteArray bytes;
    QDataStream stream(&bytes, QIODevice::WriteOnly);
    stream.setByteOrder(QDataStream::LittleEndian);
    SQLite::Database database(file.string());
    for (const char* query : {"SELECT id, state, json FROM record ORDER BY id", "SELECT name, text FROM document ORDER BY name",
             "SELECT id, name, rank, block FROM series ORDER BY id", "SELECT id, series, step, t, value FROM sample ORDER BY id",
             "SELECT id, rank, phase, step, position, start, end FROM span ORDER BY id",
             "SELECT id, t, rank, text FROM log ORDER BY id"}) {
        stream.writeRawData("T", 1);
        SQLite::Statement rows(database, query);
        while (rows.executeStep()) {
            stream.writeRawData("R", 1);
            for (int column = 0; column < rows.getColumnCount(); ++column) {
                const SQLite::Column value = rows.getColumn(column);
                if (value.isNull()) {
                    stream.writeRawData("n", 1);
                } else if (value.isInteger()) {
                    stream.writeRawData("i", 1);
                    stream << static_cast<qint64>(value.getInt64());
                } else if (value.isFloat()) {
                    stream.writeRawData("f", 1);
                    stream << std::bit_cast<quint64>(value.getDouble());
                } else {
                    stream.writeRawData("t", 1);
                    stream << static_cast<qint64>(value.getBytes());
                    stream.writeRawData(value.getText(), value.getBytes());
                }
            }
        }
    }
    return QCryptographicHash::hash(bytes, QCryptographicHash::Sha256).toHex().toStdString();
}

} // namespace

class TestRunStore : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    fs::path m_file;

private slots:
    void init()
    {
        m_folder = QTemporaryDir();
        m_file = pathOf(m_folder) / "run.sqlite";
    }

    void samplesComeBackAsTheyWereAndInOrder()
    {
        const double infinity = std::numeric_limits<double>::infinity();
        const Series loss{"loss", 0, 3};
        const Series memory{"memory_bytes", 1, -1};
        {
            RunStore run(m_file, RunStore::Mode::Writer);
            run.append(std::vector<Sample>{{loss, 0, 0.5, 1.25}, {memory, 0, 0.6, 5e9}, {loss, 1, 1.5, std::nan("")}});
            run.append(std::vector<Sample>{{loss, 2, 2.5, -infinity}});
        }

        const RunStore run(m_file, RunStore::Mode::ReadOnly);
        QCOMPARE(run.series(), (std::vector<Series>{loss, memory}));
        std::int64_t after = 0;
        const std::vector<Sample> first = run.samples(loss, after);
        QCOMPARE(first.size(), std::size_t{3});
        QVERIFY(same(first[0], {loss, 0, 0.5, 1.25}));
        QCOMPARE(first[1].step, 1);
        QVERIFY(std::isnan(first[1].value));
        QVERIFY(same(first[2], {loss, 2, 2.5, -infinity}));
        QVERIFY(run.samples(loss, after).empty());
        QVERIFY(same(run.samples(memory).at(0), {memory, 0, 0.6, 5e9}));
        QVERIFY(run.samples({"loss", 9, 9}).empty());
    }

    void spansLogAndDocumentsComeBackAsTheyWere()
    {
        RunStore run(m_file, RunStore::Mode::Writer);
        run.append(std::vector<MeasuredSpan>{{1, 2, 3, 4, 5.5, 6.25}, {0, 0, 1, 0, 0, 1}});
        run.append(std::vector<LogLine>{{0.5, -1, "first"}, {1, 0, "second"}, {2, 1, "third"}});
        run.save_document("program", "device 0: load");
        run.save_document("program", "device 0: load  T0");

        const std::vector<MeasuredSpan> spans = run.spans();
        QCOMPARE(spans.size(), std::size_t{2});
        QCOMPARE(std::tuple(spans[0].rank, spans[0].phase, spans[0].step, spans[0].index), (std::tuple(1, 2, std::int64_t{3}, 4)));
        QCOMPARE(std::pair(spans[0].start, spans[0].end), (std::pair(5.5, 6.25)));
        const std::vector<LogLine> log = run.log(2);
        QCOMPARE(log.size(), std::size_t{2});
        QCOMPARE(log[0].text, "second");
        QCOMPARE(std::pair(log[1].rank, log[1].text), (std::pair(1, std::string("third"))));
        QCOMPARE(run.document("program"), "device 0: load  T0");
        QCOMPARE(run.document("plan"), "");
    }

    void everyFieldOfTheRecordComesBack()
    {
        RunRecord record = recordIn(RunState::Failed);
        record.name = "'; DROP TABLE record; --\n\u202E../%s\"";
        record.started = "2026-01-31T09:06:00.000Z";
        record.finished = "2026-01-31T09:07:00.000Z";
        record.steps = 100;
        record.steps_done = 41;
        record.throughput = 1234.5678901234567;
        record.first_loss = {0.1, 0.2};
        record.final_loss = {0.01, std::nan("")};
        record.accuracy = 0.9725;
        record.error = "a rank ended: rank 1";
        record.culprit = 1;
        record.last_lines = {"one", "two"};
        record.predicted_step = 21.4;
        record.measured_step = 22.5;
        RunStore run(m_file, RunStore::Mode::Writer);
        run.save(record);

        const RunRecord stored = run.record();
        QCOMPARE(stored.name, record.name);
        QCOMPARE(stored.pair, record.pair);
        QCOMPARE(stored.strategy, record.strategy);
        QCOMPARE(stored.devices, record.devices);
        QVERIFY(stored.state == record.state);
        QCOMPARE(stored.created, record.created);
        QCOMPARE(stored.started, record.started);
        QCOMPARE(stored.finished, record.finished);
        QCOMPARE(stored.steps, record.steps);
        QCOMPARE(stored.steps_done, record.steps_done);
        QVERIFY(stored.throughput == record.throughput);
        QCOMPARE(stored.first_loss, record.first_loss);
        QCOMPARE(stored.final_loss.size(), std::size_t{2});
        QVERIFY(stored.final_loss[0] == 0.01 && std::isnan(stored.final_loss[1]));
        QVERIFY(stored.accuracy == record.accuracy);
        QCOMPARE(stored.error, record.error);
        QCOMPARE(stored.culprit, record.culprit);
        QCOMPARE(stored.last_lines, record.last_lines);
        QVERIFY(stored.predicted_step == record.predicted_step);
        QVERIFY(stored.measured_step == record.measured_step);
        QVERIFY(stored.supervisor == this_process());
        QCOMPARE(stored.folder, pathOf(m_folder));
    }

    void aNameThatIsNotUtf8IsStoredAndMarked()
    {
        RunRecord record = recordIn(RunState::Running);
        record.name = "a\xff"
                      "b";
        RunStore run(m_file, RunStore::Mode::Writer);
        run.save(record);
        QCOMPARE(run.record().name, "a\uFFFDb");
    }

    void anAppendStoresAllOrNothing()
    {
        RunStore run(m_file, RunStore::Mode::Writer);
        const Series loss{"loss", 0, 0};
        const Sample good{loss, 0, 0.5, 1};
        const Sample withoutTime{loss, 1, std::nan(""), 1};

        QVERIFY(errorOf([&] { run.append(std::vector<Sample>{good, withoutTime}); }));

        QVERIFY(run.series().empty());
        QVERIFY(run.samples(loss).empty());
        run.append(std::vector<Sample>{good});
        QCOMPARE(run.samples(loss).size(), std::size_t{1});
        QCOMPARE(run.check(), "ok");
    }

    void aStateOnlyGoesForwardAndAFinalOneStays()
    {
        for (const RunState from : allStates) {
            for (const RunState to : allStates) {
                init();
                RunStore run(m_file, RunStore::Mode::Writer);
                run.save(recordIn(from));
                const bool allowed
                    = from == to || from == RunState::Queued || (from == RunState::Running && to != RunState::Queued);
                const std::optional<Code> expected = allowed ? std::nullopt : std::optional(Code::Internal);
                QVERIFY2(errorOf([&] { run.save(recordIn(to)); }) == expected, to_string(to).data());
                QVERIFY(run.record().state == (allowed ? to : from));
            }
        }
    }

    void aReaderFollowsALiveRunAndSeesEachSampleOnce()
    {
        RunStore writer(m_file, RunStore::Mode::Writer);
        const RunStore reader(m_file, RunStore::Mode::ReadOnly);
        std::int64_t after = 0;
        std::int64_t next = 0;
        for (int batch = 0; batch < 5; ++batch) {
            const std::int64_t before = reader.version();
            QCOMPARE(reader.version(), before);
            writer.append(batch_for_test(batch));
            QVERIFY(reader.version() != before);
            for (const Sample& sample : reader.new_samples(after))
                QVERIFY(same(sample, sample_for_test(next++)));
            QCOMPARE(next, std::int64_t{batch + 1} * samples_in_batch);
        }
    }

    // S11
    void anOverviewMayBeOfAnyNumberOfSamples()
    {
        const QTemporaryDir folder;
        const fs::path file = pathOf(folder) / "run.sqlite";
        RunStore writer(file, RunStore::Mode::Writer);
        for (int batch = 0; batch < 3; ++batch)
            writer.append(batch_for_test(batch));
        const std::size_t stored = 3 * samples_in_batch;
        for (std::size_t wanted = 0; wanted <= stored; ++wanted) {
            std::size_t seen = 0;
            for (const auto& [series, points] : writer.overview(wanted))
                seen += points.size();
            QVERIFY2(4 * wanted >= stored ? seen == 0 : seen <= wanted && seen + 16 > wanted, qPrintable(QString::number(wanted)));
        }
    }

    void aReaderCannotWriteNorCheckpoint()
    {
        RunStore writer(m_file, RunStore::Mode::Writer);
        RunStore reader(m_file, RunStore::Mode::ReadOnly);
        QVERIFY(errorOf([&] { reader.append(batch_for_test(0)); }) == Code::Internal);
        QVERIFY(errorOf([&] { reader.save(recordIn(RunState::Running)); }) == Code::Internal);
        QVERIFY(errorOf([&] { reader.finish(); }) == Code::Internal);
        QVERIFY(errorOf([&] { RunStore(pathOf(m_folder) / "none.sqlite", RunStore::Mode::ReadOnly); }) == Code::NotFound);

        writer.append(batch_for_test(0));
        const auto log = fs::file_size(m_file.string() + "-wal");
        {
            RunStore(m_file, RunStore::Mode::ReadOnly).new_samples(*std::make_unique<std::int64_t>(0));
        }
        QCOMPARE(fs::file_size(m_file.string() + "-wal"), log);
    }

    // S4
    void aSecondWriterIsLockedOutAndToldWhoWrites()
    {
        Helper other({"hold", m_folder.path()});
        QCOMPARE(other.line(), "held");
        std::string line;
        QVERIFY(errorOf([&] { RunStore(m_file, RunStore::Mode::Writer, 50ms); }, &line) == Code::Locked);
        QVERIFY2(QByteArray::fromStdString(line).contains("process " + QByteArray::number(other.pid())), line.c_str());
        QVERIFY(!fs::exists(m_file));
        QVERIFY(errorOf([&] { RunLock(pathOf(m_folder), 0ms); }) == Code::Locked);

        other.kill();
        const RunLock lock(pathOf(m_folder), 0ms);
        RunStore first(m_file, RunStore::Mode::Writer, 0ms);
        QVERIFY(errorOf([&] { RunStore(m_file, RunStore::Mode::Writer, 0ms); }) == Code::Locked);
        QVERIFY(errorOf([&] { RunLock(pathOf(m_folder), 0ms); }) == Code::Locked);
    }

    void aWriterWithoutALockTakesItForItsLife()
    {
        {
            RunStore writer(m_file, RunStore::Mode::Writer);
            QVERIFY(errorOf([&] { RunLock(pathOf(m_folder), 0ms); }) == Code::Locked);
        }
        QVERIFY(!errorOf([&] { RunLock(pathOf(m_folder), 0ms); }));
    }

    // P11: a lock that a rank inherited would outlive its supervisor.
    void theLockIsNotInheritedByChildren()
    {
        auto lock = std::make_unique<RunLock>(pathOf(m_folder));
        Helper child({"wait"});
        QCOMPARE(child.line(), "waiting");
        lock.reset();
        QVERIFY(!errorOf([&] { RunLock(pathOf(m_folder), 0ms); }));
    }

    void theChecksumOfASealedRunIsTheDocumentedOne()
    {
        {
            RunStore run(m_file, RunStore::Mode::Writer);
            run.append(std::vector<Sample>{{{"loss", 0, 1}, 7, 0.5, std::nan("")}, {{"loss", 0, 1}, -8, 1, 3}});
            run.append(std::vector<MeasuredSpan>{{1, 2, 3, 4, 5.5, 6.25}});
            run.append(std::vector<LogLine>{{0.5, -1, "größer"}});
            run.save_document("spec", "{}");
            QVERIFY(errorOf([&] { run.finish(); }) == Code::Internal); // its state is not final
            run.save(recordIn(RunState::Finished));
            run.finish();
            QCOMPARE(run.check(), "ok");
            QVERIFY(errorOf([&] { run.append(batch_for_test(0)); }) == Code::Internal);
            QVERIFY(errorOf([&] { run.save(recordIn(RunState::Finished)); }) == Code::Internal);
        }
        QCOMPARE(valueOf(m_file, "SELECT checksum FROM seal"), checksumAsDocumented(m_file));
        QCOMPARE(valueOf(m_file, "PRAGMA journal_mode"), "delete");
    }

    void anyChangedRowOfASealedRunIsFound_data()
    {
        QTest::addColumn<QString>("change");
        for (const char* change : {"UPDATE record SET json = replace(json, 'nas', 'nsa')", "UPDATE document SET text = '{ }'",
                 "UPDATE series SET block = 5", "UPDATE sample SET value = value + 1e-15 WHERE id = 42",
                 "DELETE FROM sample WHERE id = 100", "UPDATE span SET end = 7", "UPDATE log SET text = 'b'",
                 "UPDATE seal SET algorithm = 'crc32'"})
            QTest::newRow(change) << change;
    }

    void anyChangedRowOfASealedRunIsFound()
    {
        QFETCH(QString, change);
        {
            RunStore run(m_file, RunStore::Mode::Writer);
            std::vector<Sample> samples;
            for (int index = 0; index < 100; ++index)
                samples.push_back({{"loss", 0, 0}, index, 0, 1});
            run.append(samples);
            run.append(std::vector<MeasuredSpan>{{1, 2, 3, 4, 5.5, 6.25}});
            run.append(std::vector<LogLine>{{0.5, -1, "a"}});
            run.save_document("spec", "{}");
            run.save(recordIn(RunState::Finished));
            run.finish();
        }
        QCOMPARE(RunStore(m_file, RunStore::Mode::ReadOnly).check(), "ok");
        runSql(m_file, change.toStdString());
        QVERIFY(RunStore(m_file, RunStore::Mode::ReadOnly).check() != "ok");
    }

    void whileAReaderIsOpenTheJournalIsLeftToTheNextWriter()
    {
        {
            RunStore writer(m_file, RunStore::Mode::Writer);
            writer.save(recordIn(RunState::Finished));
            const RunStore reader(m_file, RunStore::Mode::ReadOnly);
            writer.finish();
            QCOMPARE(reader.check(), "ok");
            QVERIFY(reader.record().state == RunState::Finished);
        }
        QCOMPARE(valueOf(m_file, "PRAGMA journal_mode"), "wal");
        {
            RunStore(m_file, RunStore::Mode::Writer);
        }
        QCOMPARE(valueOf(m_file, "PRAGMA journal_mode"), "delete");
        QCOMPARE(RunStore(m_file, RunStore::Mode::ReadOnly).check(), "ok");
    }
};

QTEST_GUILESS_MAIN(TestRunStore)
#include "test_run_store.moc"
