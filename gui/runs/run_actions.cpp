#include "gui/runs/run_actions.h"

#include "base/error.h"
#include "experiment/checkpoint_manifest.h"
#include "gui/kit/error_text.h"
#include "gui/kit/file_dialogs.h"
#include "gui/kit/icons.h"
#include "gui/kit/settings.h"
#include "gui/start/start_reading.h"
#include "store/run_store.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QDesktopServices>
#include <QMessageBox>
#include <QPushButton>
#include <QUrl>

namespace pipebd::gui {

RunActions::RunActions(Settings& settings, QWidget* window)
    : QObject(window)
    , m_settings(settings)
    , m_window(window)
    , m_looking(
          [this](Abilities abilities) {
              m_abilities = abilities;
              enable();
          },
          [this](const QString&) {
              m_abilities = {}; // it cannot be read: the page says so
              enable();
          })
    , m_repeating(
          [this](const StartRequest& request) {
              if (m_then == Then::Launch)
                  emit launchRequested(request);
              else
                  emit startRequested(request);
          },
          [this](const QString& error) { emit messagePosted(error); })
{
    m_stop = add("stopRun", tr("S&top the run"),
        tr("Stop the selected run at the end of its step, with a checkpoint to resume it from"), Qt::CTRL | Qt::Key_Period,
        nullptr);
    connect(m_stop, &QAction::triggered, this, [this] { emit stopRequested(m_run->id, false); });
    m_stopNow = add("stopRunNow", tr("Stop &immediately…"), tr("Stop the selected run at once, without a new checkpoint"),
        Qt::CTRL | Qt::SHIFT | Qt::Key_Period, &RunActions::askToStopNow);
    m_resume = add("resumeRun", tr("&Resume…"), tr("Resume the selected run from a checkpoint; devices and strategy may change"),
        Qt::CTRL | Qt::Key_R, &RunActions::resume);
    m_again = add("repeatRun", tr("Run &again"), tr("Start a run with the same experiment, schedule and devices"),
        Qt::CTRL | Qt::SHIFT | Qt::Key_R, nullptr);
    connect(m_again, &QAction::triggered, this, [this] { repeat(Then::Launch); });
    m_clone = add("cloneRun", tr("Clone with c&hanges…"), tr("Start a changed copy of the selected run"),
        Qt::CTRL | Qt::SHIFT | Qt::Key_D, nullptr);
    connect(m_clone, &QAction::triggered, this, [this] { repeat(Then::OpenDialog); });
    m_trace = add("exportRunTrace", tr("&Export trace…"), tr("Write the predicted and the measured timeline as a Chrome trace"),
        Qt::CTRL | Qt::SHIFT | Qt::Key_T, &RunActions::chooseTraceFile);
    m_compare = add("compareRun", tr("Co&mpare with…"), tr("Compare the selected run with other runs"),
        Qt::CTRL | Qt::SHIFT | Qt::Key_M, nullptr);
    connect(m_compare, &QAction::triggered, this, [this] { emit comparisonRequested(m_run->id); });
    m_copyFolder = add("copyRunFolder", tr("&Copy folder path"), tr("Copy the path of the selected run's folder"),
        Qt::CTRL | Qt::SHIFT | Qt::Key_C, &RunActions::copyFolder);
    m_openFolder = add("openRunFolder", tr("Open the run's &folder"), tr("Show the selected run's folder in the file manager"), {},
        &RunActions::openFolder);
    connect(&m_exporting, &PipebdProcess::finished, this,
        [this] { emit messagePosted(tr("The trace is in %1; ui.perfetto.dev opens it.").arg(m_traceFile)); });
    connect(&m_exporting, &PipebdProcess::failed, this, &RunActions::messagePosted);
    tintIcons();
    enable();
}

QAction* RunActions::add(
    const char* name, const QString& text, const QString& tip, const QKeySequence& shortcut, void (RunActions::*body)())
{
    auto* action = new QAction(text, this);
    action->setObjectName(QLatin1String(name));
    action->setStatusTip(tip);
    QString plain = text;
    plain.remove(QLatin1Char('&')).remove(QStringLiteral("…"));
    if (!shortcut.isEmpty()) {
        action->setShortcut(shortcut);
        action->setToolTip(QStringLiteral("%1 (%2)").arg(plain, shortcut.toString(QKeySequence::NativeText)));
    }
    if (body)
        connect(action, &QAction::triggered, this, body);
    return action;
}

std::vector<QAction*> RunActions::inOrder() const
{
    return {
        m_stop, m_stopNow, nullptr, m_resume, m_again, m_clone, nullptr, m_compare, m_trace, nullptr, m_copyFolder, m_openFolder};
}

void RunActions::tintIcons()
{
    const QColor colour = m_window->palette().color(QPalette::ButtonText);
    m_stop->setIcon(tintedIcon(QStringLiteral("stop"), colour));
    m_trace->setIcon(tintedIcon(QStringLiteral("export"), colour));
    m_openFolder->setIcon(tintedIcon(QStringLiteral("open"), colour));
    m_copyFolder->setIcon(tintedIcon(QStringLiteral("copy"), colour));
}

void RunActions::setLab(const QString& lab)
{
    m_lab = lab;
    m_repeating.forget();
    m_exporting.cancel();
    setRun(std::nullopt);
}

void RunActions::setRun(const std::optional<store::RunRecord>& run)
{
    const bool same = run && m_run && run->folder == m_run->folder;
    const bool lookAgain = run && (!same || run->state != m_run->state);
    m_run = run;
    if (!same)
        m_abilities = {};
    if (!run)
        m_looking.forget();
    else if (lookAgain)
        m_looking.request([run = *run] { return look(run); });
    enable();
}

void RunActions::setOtherRuns(bool any)
{
    m_otherRuns = any;
    enable();
}

RunActions::Abilities RunActions::look(const store::RunRecord& run)
{
    Abilities abilities;
    abilities.canResume = !experiment::checkpoints_of(run.folder).empty();
    std::error_code ignored;
    const store::RunStore store(run.folder / "run.sqlite", store::RunStore::Mode::ReadOnly);
    abilities.canRepeat = std::filesystem::exists(run.folder / "experiment.toml", ignored) && !store.document("spec").empty();
    abilities.hasProgram = !store.document("program").empty();
    return abilities;
}

void RunActions::enable()
{
    const bool over = m_run && store::is_final(m_run->state);
    m_stop->setEnabled(m_run && !over && m_run->stopping < 0); // once is enough
    m_stopNow->setEnabled(m_run && !over);
    m_resume->setEnabled(over && m_abilities.canResume);
    m_again->setEnabled(m_run && m_abilities.canRepeat);
    m_clone->setEnabled(m_run && m_abilities.canRepeat);
    m_trace->setEnabled(m_run && m_abilities.hasProgram);
    m_compare->setEnabled(m_run && m_otherRuns);
    m_copyFolder->setEnabled(m_run.has_value());
    m_openFolder->setEnabled(m_run.has_value());
}

void RunActions::askToStopNow()
{
    const int id = m_run->id;
    auto* box = new QMessageBox(QMessageBox::Question, tr("Stop run %1 immediately?").arg(id),
        tr("The run is stopped in the middle of a step. Steps since its last checkpoint are lost."), QMessageBox::Cancel, m_window);
    box->setObjectName(QStringLiteral("stopNow"));
    box->setTextFormat(Qt::PlainText);
    box->setAttribute(Qt::WA_DeleteOnClose);
    QPushButton* stopButton = box->addButton(tr("&Stop immediately"), QMessageBox::DestructiveRole);
    stopButton->setObjectName(QStringLiteral("stopNowButton"));
    box->setDefaultButton(QMessageBox::Cancel);
    connect(stopButton, &QPushButton::clicked, this, [this, id] { emit stopRequested(id, true); });
    box->open();
}

void RunActions::resume()
{
    StartRequest request;
    request.resume = m_run->id;
    emit startRequested(request);
}

void RunActions::repeat(Then then)
{
    m_then = then;
    m_repeating.request([run = *m_run] { return requestToRepeat(run); });
}

void RunActions::chooseTraceFile()
{
    const int id = m_run->id;
    askForFile(m_window, tr("Export the trace of run %1").arg(id), QStringLiteral("run-%1-trace").arg(id),
        {{tr("Chrome trace"), QStringLiteral("json")}}, m_settings, [this, id](const QString& file) {
            m_traceFile = file;
            m_exporting.start({QStringLiteral("runs"), QStringLiteral("export"), QString::number(id), QStringLiteral("--trace"),
                file, QStringLiteral("--lab"), m_lab});
        });
}

void RunActions::copyFolder()
{
    QApplication::clipboard()->setText(toQString(m_run->folder));
}

void RunActions::openFolder()
{
    QDesktopServices::openUrl(QUrl::fromLocalFile(toQString(m_run->folder)));
}

} // namespace pipebd::gui
