#include "gui/lab/run_reader.h"

#include "base/error.h"
#include "experiment/run_spec.h"
#include "gui/kit/error_text.h"
#include "store/run_damage.h"

#include <QThread>

#include <algorithm>
#include <chrono>
#include <utility>

namespace pipebd::gui {

using namespace std::chrono_literals;

namespace {

constexpr auto pollInterval = 50ms;
constexpr auto patience = 2s; // with a database that is just being made, or locked
constexpr auto lookInterval = 500ms;
constexpr int pollsAfterEnd = 20; // the writer's last rows may follow its final state
constexpr std::size_t piece = 20000; // samples
constexpr std::size_t overviewSamples = 20000;
constexpr std::size_t logLines = 1000;

bool sameLine(const store::LogLine& a, const store::LogLine& b)
{
    return a.t == b.t && a.rank == b.rank && a.text == b.text;
}

// Of a process elsewhere nothing can be told.
bool isOfThisHost(const store::ProcessIdentity& process)
{
    static const std::string host = store::this_process().host;
    return process.host.empty() || process.host == host;
}

} // namespace

RunReader::RunReader(std::filesystem::path folder, std::shared_ptr<QSemaphore> credits)
    : m_folder(std::move(folder))
    , m_credits(std::move(credits))
{
}

void RunReader::start()
{
    m_timer = new QTimer(this);
    m_timer->setInterval(pollInterval);
    connect(m_timer, &QTimer::timeout, this, &RunReader::poll);
    m_timer->start();
    poll();
}

void RunReader::poll()
{
    try {
        if (!m_store && !open())
            return;
        readNew();
        m_failing.invalidate();
    } catch (...) {
        m_store.reset();
        m_version = -1;
        if (!m_failing.isValid())
            m_failing.start();
        if (std::chrono::milliseconds(m_failing.elapsed()) < patience)
            return;
        m_timer->stop();
        emit failed(currentErrorText());
    }
}

bool RunReader::open()
{
    try {
        m_store = std::make_unique<store::RunStore>(m_folder / "run.sqlite", store::RunStore::Mode::ReadOnly);
        return true;
    } catch (const Error& error) {
        if (error.code() != Code::NotFound)
            throw;
    }
    if (!std::exchange(m_saidNothingYet, true)) {
        RunUpdate nothing;
        nothing.caughtUp = true;
        deliver(std::move(nothing));
    }
    return false;
}

void RunReader::readNew()
{
    const std::int64_t version = m_store->version();
    const bool lookAgain = !m_lastLook.isValid() || std::chrono::milliseconds(m_lastLook.elapsed()) >= lookInterval;
    if (version == m_version && !lookAgain && m_pollsAfterEnd == 0)
        return;
    m_lastLook.start();
    m_version = version;

    RunUpdate update;
    update.record = newRecord();
    readBatch();
    update.batch = m_batch;
    const bool ended = update.record && store::is_final(update.record->state);
    if (ended)
        m_ended = *update.record;
    if (m_after == 0 && !deliverOverview())
        return;
    if (!deliverSamples())
        return;
    update.log = newLog();
    update.caughtUp = true;
    if (!deliver(std::move(update)))
        return;
    if (ended && ++m_pollsAfterEnd > pollsAfterEnd) {
        m_timer->stop();
        m_store.reset();
        checkSeals();
    }
}

void RunReader::checkSeals()
{
    store::RunRecord record = m_ended;
    record.folder = m_folder;
    RunUpdate update;
    update.damage = QString::fromStdString(store::damage_warning(record));
    if (!update.damage.isEmpty())
        deliver(std::move(update));
}

bool RunReader::deliverOverview()
{
    RunUpdate update;
    update.overview = m_store->overview(overviewSamples);
    return update.overview.empty() || deliver(std::move(update));
}

bool RunReader::deliverSamples()
{
    for (;;) {
        RunUpdate update;
        update.points = m_store->new_points(m_after, piece);
        if (update.points.empty())
            return true;
        if (!deliver(std::move(update)))
            return false;
    }
}

bool RunReader::deliver(RunUpdate update)
{
    while (!m_credits->tryAcquire(1, 100))
        if (QThread::currentThread()->isInterruptionRequested())
            return false;
    emit read(std::make_shared<const RunUpdate>(std::move(update)));
    return true;
}

std::optional<store::RunRecord> RunReader::newRecord()
{
    store::RunRecord record = m_store->record();
    const bool isLed
        = record.state == store::RunState::Running || (record.state == store::RunState::Queued && record.supervisor.pid != 0);
    if (isLed && isOfThisHost(record.supervisor) && !store::is_alive(record.supervisor))
        record.state = store::RunState::Lost;
    record.folder = m_folder;
    return record;
}

std::vector<store::LogLine> RunReader::newLog()
{
    std::vector<store::LogLine> log = m_store->log(logLines);
    std::size_t known = std::min(log.size(), m_log.size()); // the longest end of the old that is a beginning of the new
    while (known > 0 && !std::equal(m_log.end() - static_cast<std::ptrdiff_t>(known), m_log.end(), log.begin(), sameLine))
        --known;
    std::vector<store::LogLine> fresh(log.begin() + static_cast<std::ptrdiff_t>(known), log.end());
    m_log = std::move(log);
    return fresh;
}

void RunReader::readBatch()
{
    if (m_batch)
        return;
    try {
        const std::string spec = m_store->document("spec");
        if (!spec.empty())
            m_batch = experiment::run_spec_from_json(spec, "spec").experiment.data.batch;
        else if (const std::string text = m_store->document("experiment"); !text.empty())
            m_batch = experiment::parse_experiment(text, "experiment").data.batch;
    } catch (const Error&) {
        m_batch = 0; // a spec of another version: the run is shown without what needs its batch size
    }
}

} // namespace pipebd::gui
