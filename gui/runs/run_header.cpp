#include "gui/runs/run_header.h"

#include "gui/kit/labels.h"
#include "gui/kit/number_text.h"
#include "gui/lab/run_text.h"
#include "gui/runs/state_badge.h"

#include <QEvent>
#include <QFontDatabase>
#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QLocale>
#include <QPlainTextEdit>
#include <QProgressBar>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace pipebd::gui {

RunHeader::RunHeader(QWidget* parent)
    : QWidget(parent)
    , m_name(selectableLabel(this))
    , m_badge(new StateBadge(this))
    , m_line(selectableLabel(this))
    , m_progress(new QProgressBar(this))
    , m_steps(new QLabel(this))
    , m_facts(new QWidget(this))
    , m_errorFrame(new QFrame(this))
    , m_error(selectableLabel(m_errorFrame))
    , m_lastLines(new QPlainTextEdit(m_errorFrame))
{
    scaleFont(m_name, 1.5, true);
    m_name->setMinimumWidth(60);
    m_line->setForegroundRole(QPalette::PlaceholderText);
    m_steps->setForegroundRole(QPalette::PlaceholderText);
    m_progress->setTextVisible(false);
    m_progress->setFixedHeight(8);
    m_progress->setAccessibleName(tr("Steps done"));

    auto* titleRow = new QHBoxLayout;
    titleRow->setSpacing(10);
    titleRow->addWidget(m_name);
    titleRow->addWidget(m_badge, 0, Qt::AlignVCenter);
    titleRow->addStretch();

    auto* progressRow = new QHBoxLayout;
    progressRow->setSpacing(10);
    progressRow->addWidget(m_progress, 1);
    progressRow->addWidget(m_steps);

    fillFacts();
    fillErrorFrame();
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(12, 10, 12, 6);
    layout->setSpacing(4);
    layout->addLayout(titleRow);
    layout->addWidget(m_line);
    layout->addLayout(progressRow);
    layout->addWidget(m_facts);
    layout->addWidget(m_errorFrame);
    styleError();
}

void RunHeader::fillFacts()
{
    auto* factsRow = new QHBoxLayout(m_facts);
    factsRow->setContentsMargins(0, 4, 0, 0);
    factsRow->setSpacing(28);
    m_throughput = addFact(tr("Throughput"), tr("Samples per second, with all blocks trained"));
    m_step = addFact(tr("Step: measured / predicted"),
        tr("Measured milliseconds per step of all blocks (median), the simulator's prediction, and its error"));
    m_loss = addFact(tr("Loss: first → latest"), tr("Mean over the blocks in the first and in the latest tenth of the steps"));
    m_accuracy = addFact(tr("Test accuracy"), tr("Accuracy of the student on the test split"));
    factsRow->addStretch();
}

void RunHeader::fillErrorFrame()
{
    m_errorFrame->setObjectName(QStringLiteral("errorFrame"));
    m_error->setWordWrap(true);
    m_error->setObjectName(QStringLiteral("errorText"));
    m_lastLines->setReadOnly(true);
    m_lastLines->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    m_lastLines->setLineWrapMode(QPlainTextEdit::NoWrap);
    m_lastLines->setFrameShape(QFrame::NoFrame);
    m_lastLines->setAccessibleName(tr("Last lines of the rank that failed"));
    auto* errorLayout = new QVBoxLayout(m_errorFrame);
    errorLayout->setContentsMargins(12, 8, 12, 8);
    errorLayout->addWidget(m_error);
    errorLayout->addWidget(m_lastLines);
    m_errorFrame->hide();
}

QLabel* RunHeader::addFact(const QString& caption, const QString& toolTip)
{
    auto* fact = new QWidget(m_facts);
    fact->setToolTip(toolTip);
    auto* captionLabel = new QLabel(caption, fact);
    captionLabel->setForegroundRole(QPalette::PlaceholderText);
    scaleFont(captionLabel, 0.9, false);
    QLabel* value = selectableLabel(fact);
    value->setAccessibleName(caption);
    scaleFont(value, 1.15, true);
    auto* layout = new QVBoxLayout(fact);
    layout->setContentsMargins({});
    layout->setSpacing(0);
    layout->addWidget(captionLabel);
    layout->addWidget(value);
    m_facts->layout()->addWidget(fact);
    return value;
}

void RunHeader::setRecord(const store::RunRecord& record)
{
    m_name->setText(QString::fromStdString(record.name));
    m_badge->setState(record.state);

    QStringList line{tr("Run %1").arg(record.id)};
    if (!record.pair.empty())
        line << QString::fromStdString(record.pair);
    if (!record.strategy.empty())
        line << tr("%1 on %2").arg(QString::fromStdString(record.strategy), devicesText(record.devices));
    if (const QString started = timeText(record.started); !started.isEmpty())
        line << tr("started %1").arg(started);
    if (const QString duration = durationText(record); !duration.isEmpty())
        line << (store::is_final(record.state) ? tr("took %1") : tr("running for %1")).arg(duration);
    m_line->setText(line.join(QStringLiteral("  ·  ")));

    showProgress(record);
    showFacts(record);
    showError(record);
}

void RunHeader::setProblem(const QString& problem)
{
    m_problem = problem;
    if (!problem.isEmpty()) {
        m_error->setText(problem);
        m_lastLines->hide();
    }
    m_errorFrame->setVisible(!problem.isEmpty());
}

void RunHeader::showProgress(const store::RunRecord& record)
{
    constexpr int resolution = 1000;
    m_progress->setRange(0, resolution);
    const bool known = record.steps > 0;
    m_progress->setValue(known ? static_cast<int>(record.steps_done * resolution / record.steps) : 0);
    const QLocale locale;
    const bool stops = record.stopping >= 0 && !store::is_final(record.state);
    m_steps->setForegroundRole(stops ? QPalette::WindowText : QPalette::PlaceholderText);
    if (stops)
        return m_steps->setText(record.stopping == 0
                ? tr("Stopping")
                : tr("Stopping: writing a checkpoint at the end of step %1").arg(locale.toString(record.stopping)));
    m_steps->setText(
        known ? tr("%1 of %2 steps").arg(locale.toString(record.steps_done), locale.toString(record.steps)) : tr("No step yet"));
}

void RunHeader::showFacts(const store::RunRecord& record)
{
    m_throughput->setText(throughputText(record.throughput));
    QString step = QStringLiteral("%1 / %2").arg(millisecondsText(record.measured_step), millisecondsText(record.predicted_step));
    if (record.measured_step > 0 && record.predicted_step > 0) {
        const double difference = 100 * (record.predicted_step / record.measured_step - 1); // as pipebd runs show
        step += QStringLiteral("  (%1%2 %)")
                    .arg(difference < 0 ? QStringLiteral("−") : QStringLiteral("+"),
                        QLocale().toString(std::abs(difference), 'f', 1));
    }
    m_step->setText(step);
    m_loss->setText(QStringLiteral("%1 → %2").arg(lossText(meanLoss(record.first_loss)), lossText(meanLoss(record.final_loss))));
    m_loss->setToolTip(record.final_loss.empty() ? QString() : tr("Final loss\n%1").arg(lossByBlockText(record.final_loss)));
    m_accuracy->setText(
        record.accuracy < 0 ? QStringLiteral("–") : tr("%1 %").arg(QLocale().toString(100 * record.accuracy, 'f', 2)));
}

void RunHeader::showError(const store::RunRecord& record)
{
    if (!m_problem.isEmpty())
        return;
    QString text = QString::fromStdString(record.error);
    if (text.isEmpty() && record.state == store::RunState::Lost)
        text = tr("The process that supervised this run is gone. What it had stored is shown.");
    if (record.culprit >= 0 && !text.isEmpty())
        text = tr("Rank %1 failed first: %2").arg(record.culprit).arg(text);
    m_error->setText(text);

    QStringList lines;
    for (const std::string& line : record.last_lines)
        lines << QString::fromStdString(line);
    const QString lastLines = lines.join(QLatin1Char('\n'));
    if (m_lastLines->toPlainText() != lastLines)
        m_lastLines->setPlainText(lastLines);
    const int rows = std::clamp(static_cast<int>(lines.size()), 1, 6);
    m_lastLines->setFixedHeight(rows * m_lastLines->fontMetrics().lineSpacing() + 12);
    m_lastLines->setVisible(!lines.isEmpty());
    m_errorFrame->setVisible(!text.isEmpty());
}

void RunHeader::styleError()
{
    const QColor colour = stateColor(store::RunState::Failed, palette());
    const QString sheet
        = QStringLiteral("#errorFrame { border: 1px solid %1; border-radius: 6px; background: rgba(%2, %3, %4, 28); }")
              .arg(colour.name())
              .arg(colour.red())
              .arg(colour.green())
              .arg(colour.blue());
    if (m_errorFrame->styleSheet() != sheet)
        m_errorFrame->setStyleSheet(sheet);
}

void RunHeader::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        styleError();
}

} // namespace pipebd::gui
