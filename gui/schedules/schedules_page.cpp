#include "gui/schedules/schedules_page.h"

#include "base/error.h"
#include "experiment/devices.h"
#include "gui/kit/message_page.h"
#include "gui/kit/number_text.h"
#include "gui/kit/settings.h"
#include "gui/profile/measure_dialog.h"
#include "gui/schedules/stage_editor.h"
#include "gui/schedules/what_if_panel.h"
#include "gui/timeline/timeline_view.h"
#include "schedule/comparison.h"
#include "schedule/stages.h"
#include "store/lab.h"
#include "store/run_timelines.h"

#include <QAction>
#include <QComboBox>
#include <QLabel>
#include <QLocale>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSortFilterProxyModel>
#include <QStackedWidget>
#include <QTableView>

#include <algorithm>
#include <utility>

namespace pipebd::gui {

using schedule::PlannedStrategy;
using schedule::Stage;

namespace {

constexpr int leastDevices = 2; // to plan for, though one was measured
constexpr std::size_t runsOffered = 200; // newest ones, for the overlay

QString words(const store::StoredProfile& stored)
{
    return SchedulesPage::tr("%1, batch %2, %3 on %4")
        .arg(QString::fromStdString(stored.key.pair), QLocale().toString(stored.key.batch),
            QString::fromStdString(stored.key.dtype), QString::fromStdString(stored.key.devices));
}

} // namespace

/// One change of the stages by hand.
class SchedulesPage::StageEdit : public QUndoCommand {
public:
    using Stages = std::optional<std::vector<Stage>>;

    StageEdit(SchedulesPage* page, Stages before, Stages after, const QString& what)
        : QUndoCommand(what)
        , m_page(page)
        , m_before(std::move(before))
        , m_after(std::move(after))
    {
    }
    void undo() override { m_page->setStages(m_before); }
    void redo() override { m_page->setStages(m_after); }

private:
    SchedulesPage* m_page;
    Stages m_before;
    Stages m_after;
};

void SchedulesPage::connectEditor()
{
    connect(m_editor, &StageEditor::edited, this, [this](const std::vector<Stage>& stages, const QString& what) {
        m_undo.push(new StageEdit(this, m_byHand, stages, what));
    });
    connect(m_editor, &StageEditor::previewed, this, [this](const std::vector<Stage>& stages) {
        m_previewed = stages;
        ask();
    });
}

// -- profiles --

void SchedulesPage::openLab(const std::filesystem::path& lab)
{
    m_lab = lab;
    m_reading.forget();
    m_loading.forget();
    m_planning.forget();
    m_measuring.forget();
    m_overlaying.forget();
    m_profilesRead = false;
    m_runs.reset(); // those of another lab may have the same numbers
    m_loaded.reset();
    m_answer.reset();
    m_overlay.reset();
    m_byHand.reset();
    m_undo.clear();
    m_model->setAnswer(nullptr);
    m_model->setMeasured({});
    m_timelines->setTimelines({});
    m_stack->setCurrentIndex(1);
    m_best->setText(tr("Reading the lab…"));
    emit commandChanged();
}

void SchedulesPage::comeToFront()
{
    readProfiles();
}

void SchedulesPage::readProfiles()
{
    m_reading.request([lab = m_lab] { return store::Lab(lab, store::Lab::Mode::ExistingOrEmpty).profiles(); });
}

void SchedulesPage::setProfile(const QString& profileId)
{
    m_wanted = profileId;
    if (m_profilesRead && isVisible())
        readProfiles();
}

void SchedulesPage::takeProfiles(std::vector<store::StoredProfile> profiles)
{
    m_profilesRead = true;
    m_profiles = std::move(profiles);
    const QSignalBlocker blocker(m_profileBox);
    m_profileBox->clear();
    for (const store::StoredProfile& stored : m_profiles)
        m_profileBox->addItem(words(stored), QString::fromStdString(stored.id));
    if (m_profiles.empty()) {
        m_loaded.reset();
        m_answer.reset();
        m_stack->setCurrentIndex(0);
        emit commandChanged();
        emitIfSettled();
        return;
    }
    m_stack->setCurrentIndex(1);
    // The one that is asked for, else the one on the page, else the newest.
    QString id = std::exchange(m_wanted, {});
    if (m_profileBox->findData(id) < 0)
        id = m_loaded ? QString::fromStdString(m_loaded->stored.id) : QString();
    if (m_profileBox->findData(id) < 0) {
        const auto newest = std::max_element(m_profiles.begin(), m_profiles.end(),
            [](const store::StoredProfile& a, const store::StoredProfile& b) { return a.measured < b.measured; });
        id = QString::fromStdString(newest->id);
    }
    m_profileBox->setCurrentIndex(m_profileBox->findData(id));
    loadProfile(id);
}

void SchedulesPage::loadProfile(const QString& id)
{
    const auto stored = std::find_if(
        m_profiles.begin(), m_profiles.end(), [&](const store::StoredProfile& one) { return one.id == id.toStdString(); });
    if (stored == m_profiles.end())
        return;
    if (m_loaded && m_loaded->stored.id == stored->id && m_loaded->stored.measured == stored->measured) {
        emitIfSettled();
        return;
    }
    m_loading.request([lab = m_lab, stored = *stored]() -> LoadedProfile {
        std::optional<schedule::Profile> profile = store::Lab(lab, store::Lab::Mode::ExistingOrEmpty).profile(stored.key);
        if (!profile)
            throw Error(Code::NotFound, "this profile is no longer in the lab", stored.key.pair, "choose another one");
        return {stored, std::make_shared<const schedule::Profile>(std::move(*profile))};
    });
}

void SchedulesPage::takeProfile(const LoadedProfile& loaded)
{
    const bool another = !m_loaded || m_loaded->stored.id != loaded.stored.id;
    m_loaded = loaded;
    if (another) {
        m_whatIf->setProfile(*loaded.profile, std::max(devicesMeasured(), leastDevices));
        m_byHand.reset();
        m_undo.clear();
        m_overlay.reset();
    }
    fillRuns();
    ask();
}

int SchedulesPage::devicesMeasured() const
{
    const schedule::Profile& profile = *m_loaded->profile;
    int devices = 0; // as many as share a batch in parts that were measured
    while (devices < profile.batch
        && profile.blocks.front().student_forward.contains(schedule::shard_size(profile.batch, devices + 1)))
        ++devices;
    return devices;
}

// -- planning --

void SchedulesPage::ask()
{
    if (!m_loaded)
        return;
    if (m_byHand
        && !schedule::fault_of(*m_byHand, static_cast<int>(m_loaded->profile->blocks.size()), m_whatIf->devices()).empty()) {
        m_byHand.reset();
        m_undo.clear();
        emit messagePosted(tr("The stages by hand no longer fit these devices; the stages found by search are used again."));
    }
    PlanQuestion question{.profile = m_loaded->profile,
        .devices = m_whatIf->devices(),
        .whatIf = m_whatIf->whatIf(),
        .strategies = m_whatIf->strategies(),
        .pipeline = m_whatIf->pipeline(),
        .byHand = !m_previewed.empty() ? m_previewed : m_byHand.value_or(std::vector<Stage>{}),
        .steps = m_whatIf->steps()};
    m_planning.request([question = std::move(question)] { return answer(question); });
    emit commandChanged();
}

void SchedulesPage::take(PlanAnswer answer)
{
    const bool another = !m_answer || m_answer->question.devices != answer.question.devices
        || m_answer->plan.batch != answer.plan.batch || m_answer->question.profile != answer.question.profile
        || m_answer->question.byHand != answer.question.byHand;
    m_failed = false;
    m_answer = std::make_shared<const PlanAnswer>(std::move(answer));
    if (another)
        askMeasured();
    showAnswer();
    emitIfSettled();
}

void SchedulesPage::showAnswer()
{
    const QString selected = m_table->currentIndex().data(StrategyTableModel::TitleRole).toString();
    m_model->setAnswer(m_answer);
    const int row = m_model->rowOf(selected);
    if (const QModelIndex index = m_sorted->mapFromSource(m_model->index(row >= 0 ? row : m_model->bestRow(), 0)); index.isValid())
        m_table->setCurrentIndex(index);
    showTimelines();
    showEditor();
    showHead();
}

void SchedulesPage::showTimelines()
{
    if (!m_answer)
        return;
    if (m_overlay) {
        m_timelines->setOverlay(m_overlay->predicted, m_overlay->measured);
        return;
    }
    std::vector<DrawnTimelinePtr> shown;
    for (std::size_t i = 0; i < m_answer->timelines.size(); ++i)
        if (m_answer->timelines[i] && m_model->isShown(titleOf(m_answer->plan.strategies[i])))
            shown.push_back(m_answer->timelines[i]);
    m_timelines->setEmptyText(tr("None of the ticked strategies can run"));
    m_timelines->setTimelines(std::move(shown));
}

int SchedulesPage::selectedRow() const
{
    const QModelIndex current = m_sorted->mapToSource(m_table->currentIndex());
    return current.isValid() ? current.row() : m_model->bestRow();
}

void SchedulesPage::showHead()
{
    const PlannedStrategy* best = m_model->planned(m_model->bestRow());
    const PlannedStrategy* selected = m_model->planned(selectedRow());
    const bool canRun = selected && selected->schedule.feasible && !schedule::is_end_to_end(selected->schedule.strategy);
    m_runAction->setEnabled(canRun);
    m_runButton->setEnabled(canRun);
    m_editAction->setEnabled(selected && isEditable(selected->schedule));
    m_runButton->setText(canRun ? tr("&Run %1…").arg(titleOf(*selected)) : tr("&Run…"));
    if (!best) {
        m_best->setText(tr("No blockwise strategy can run here"));
    } else {
        const QString speedup
            = best->speedup > 0 ? tr(", %1 times as fast as dp").arg(QLocale().toString(best->speedup, 'f', 2)) : QString();
        m_best->setText(tr("★ %1: blocks %2; %3 per step%4")
                            .arg(titleOf(*best), QString::fromStdString(placement_text(best->schedule)),
                                millisecondsText(best->simulation.step), speedup));
    }
    QStringList notes;
    for (const std::string& note : m_answer ? m_answer->plan.notes : std::vector<std::string>())
        notes << QString::fromStdString(note);
    m_notes->setText(notes.join(QStringLiteral("; ")));
    m_notes->setVisible(!notes.isEmpty());
    emit commandChanged();
}

void SchedulesPage::showError(const QString& error)
{
    m_failed = true;
    m_best->setText(error);
    m_notes->hide();
    emitIfSettled();
}

bool SchedulesPage::isSettled() const
{
    return m_profilesRead
        && (m_profiles.empty() || m_failed
            || (m_answer && !m_planning.isBusy() && !m_overlaying.isBusy() && !m_measuring.isBusy()));
}

void SchedulesPage::emitIfSettled()
{
    if (isSettled())
        emit settled();
}

QStringList SchedulesPage::command() const
{
    if (!m_loaded)
        return {};
    QStringList words{
        QStringLiteral("pipebd"), QStringLiteral("plan"), QStringLiteral("--profile"), QString::fromStdString(m_loaded->stored.id)};
    words << m_whatIf->options();
    if (m_byHand)
        words << QStringLiteral("--stages") << QString::fromStdString(schedule::to_text(*m_byHand));
    return words;
}

// -- by hand --

std::vector<Stage> SchedulesPage::searchedStages() const
{
    if (!m_answer)
        return {};
    const auto found
        = std::find_if(m_answer->plan.strategies.begin(), m_answer->plan.strategies.end(), [](const PlannedStrategy& planned) {
              return planned.schedule.strategy == schedule::strategy_by_hand && planned.schedule.decided_by != "hand";
          });
    return found == m_answer->plan.strategies.end() ? std::vector<Stage>{} : found->schedule.stages;
}

void SchedulesPage::showEditor()
{
    const PlannedStrategy* shown = nullptr;
    for (const PlannedStrategy& planned : m_answer->plan.strategies)
        if (planned.schedule.strategy == schedule::strategy_by_hand) // by hand comes last, if it is there
            shown = &planned;
    if (m_previewed.empty()) {
        QStringList blocks;
        for (const schedule::BlockProfile& block : m_loaded->profile->blocks)
            blocks << QString::fromStdString(block.name);
        m_editor->setStages(m_byHand ? *m_byHand : searchedStages(), blocks, m_answer->question.devices);
    }
    m_bestAction->setEnabled(m_byHand.has_value());
    if (!shown) {
        m_editorLine->clear();
        return;
    }
    m_editor->setFigures({shown->stage_costs, shown->stage_memory, m_answer->question.whatIf.memory_limit});
    if (!shown->schedule.feasible)
        m_editorLine->setText(tr("not possible: %1").arg(QString::fromStdString(shown->schedule.why_not)));
    else if (m_byHand || !m_previewed.empty())
        m_editorLine->setText(tr("%1 per step, %2 times as fast as dp")
                                  .arg(millisecondsText(shown->simulation.step), QLocale().toString(shown->speedup, 'f', 2)));
    else
        m_editorLine->setText(tr("Found by search. Drag a block to change it, or press + to add a device."));
}

void SchedulesPage::setStages(std::optional<std::vector<Stage>> byHand)
{
    m_byHand = std::move(byHand);
    m_previewed.clear();
    ask();
}

void SchedulesPage::takeBest()
{
    if (m_byHand)
        m_undo.push(new StageEdit(this, m_byHand, std::nullopt, tr("return to the best stages")));
}

void SchedulesPage::editSelected()
{
    const PlannedStrategy* selected = m_model->planned(selectedRow());
    if (selected && isEditable(selected->schedule))
        m_undo.push(new StageEdit(this, m_byHand, selected->schedule.stages, tr("use the stages of %1").arg(titleOf(*selected))));
}

void SchedulesPage::showOnlySelected()
{
    const PlannedStrategy* selected = m_model->planned(selectedRow());
    if (!selected || !selected->schedule.feasible)
        return;
    const QString only = titleOf(*selected);
    bool othersShown = false;
    for (int row = 0; row < m_model->rowCount(); ++row)
        othersShown |= m_model->planned(row)->schedule.feasible && titleOf(*m_model->planned(row)) != only
            && m_model->isShown(titleOf(*m_model->planned(row)));
    for (int row = 0; row < m_model->rowCount(); ++row)
        m_model->setShown(titleOf(*m_model->planned(row)), !othersShown || titleOf(*m_model->planned(row)) == only);
}

// -- measured --

void SchedulesPage::runsChanged(const RunRecords& runs)
{
    const auto differs = [](const store::RunRecord& a, const store::RunRecord& b) { return a.id != b.id || a.state != b.state; };
    const bool same = m_runs && m_runs->size() == runs->size()
        && std::equal(m_runs->begin(), m_runs->end(), runs->begin(), [&](const auto& a, const auto& b) { return !differs(a, b); });
    m_runs = runs;
    if (same || !m_loaded)
        return;
    fillRuns();
    askMeasured();
}

void SchedulesPage::askMeasured()
{
    if (!m_answer || !m_runs)
        return;
    m_measuring.request([runs = m_runs, pair = m_answer->plan.pair, devices = m_answer->question.devices,
                            batch = m_answer->plan.batch, stages = schedule::to_text(m_answer->question.byHand),
                            cache = m_runSettings] { return measuredSteps(runs, pair, devices, batch, stages, *cache); });
}

void SchedulesPage::fillRuns()
{
    const QSignalBlocker blocker(m_runBox);
    m_runBox->clear();
    m_runBox->addItem(tr("none"), 0);
    if (m_runs && m_loaded)
        for (const store::RunRecord& run : *m_runs)
            if (run.pair == m_loaded->stored.key.pair && run.measured_step > 0 && m_runBox->count() < static_cast<int>(runsOffered))
                m_runBox->addItem(
                    tr("run %1, %2: %3")
                        .arg(QString::number(run.id), QString::fromStdString(run.strategy), millisecondsText(run.measured_step)),
                    run.id);
    m_runBox->setEnabled(m_runBox->count() > 1);
    m_runBox->setCurrentIndex(m_overlay ? std::max(0, m_runBox->findData(m_overlay->run)) : 0);
}

void SchedulesPage::overlayRun(int id)
{
    m_overlaying.forget();
    m_overlay.reset();
    if (!m_runs)
        return;
    const auto run = std::find_if(m_runs->begin(), m_runs->end(), [&](const store::RunRecord& one) { return one.id == id; });
    if (id == 0 || run == m_runs->end()) {
        showTimelines();
        return;
    }
    m_overlaying.request([folder = run->folder, id, steps = m_whatIf->steps()]() -> Overlay {
        const store::RunStore store(folder / "run.sqlite", store::RunStore::Mode::ReadOnly);
        const store::RunTimelines all = store::timelines_of(store);
        const schedule::SideBySide both = side_by_side(all.program, all.predicted, all.measured, steps);
        if (both.measured.spans.empty())
            throw Error(Code::NotFound, "run " + std::to_string(id) + " has no completely measured step", folder.string(),
                "choose another one");
        const auto program = std::make_shared<const schedule::Program>(all.program);
        return {id, drawnTimeline(tr("Run %1: predicted").arg(id), program, both.predicted, both.memory),
            drawnTimeline(tr("Run %1: measured").arg(id), program, both.measured, {}, DrawnTimeline::Kind::Measured)};
    });
}

void SchedulesPage::compareRuns()
{
    const std::vector<int> ids = m_model->measuredRuns();
    if (ids.empty())
        emit messagePosted(tr("There are no runs of these strategies yet"));
    else
        emit comparisonRequested(ids);
}

// -- running --

void SchedulesPage::measure()
{
    auto* dialog = new MeasureDialog(m_settings, toQString(m_lab), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    if (m_loaded)
        dialog->setPair(QString::fromStdString(m_loaded->stored.key.pair));
    connect(dialog, &MeasureDialog::measured, this, [this](const QString& id) {
        m_wanted = id;
        readProfiles();
    });
    dialog->open();
}

namespace {

/// As many as that, of those that the profile was measured on; empty if they are another machine's: the user's to name.
QString devicesFor(const store::StoredProfile& measured, int count)
{
    if (measured.imported())
        return {};
    try {
        const auto devices = experiment::parse_devices(measured.key.devices, "a stored profile");
        return QString::fromStdString(to_string(experiment::as_many_as(static_cast<std::size_t>(count), devices)));
    } catch (const Error&) {
        return {}; // no list that this version knows
    }
}

} // namespace

StartRequest SchedulesPage::requestOf(int row) const
{
    const PlannedStrategy* planned = m_model->planned(row);
    if (!planned || !m_loaded)
        return {};
    StartRequest request;
    request.strategy = QString::fromStdString(planned->schedule.strategy);
    request.devices = devicesFor(m_loaded->stored, planned->schedule.devices);
    request.settings << QStringLiteral("data.batch=%1").arg(planned->schedule.batch)
                     << QStringLiteral("run.dtype=%1").arg(QString::fromStdString(m_loaded->stored.key.dtype));
    if (planned->schedule.decided_by == "hand")
        request.settings
            << QStringLiteral("run.stages=%1").arg(QString::fromStdString(schedule::to_text(planned->schedule.stages)));
    return request;
}

} // namespace pipebd::gui
