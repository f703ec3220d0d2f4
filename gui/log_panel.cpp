#include "gui/log_panel.h"

#include <QFontDatabase>
#include <QScrollBar>
#include <QTextCursor>

namespace pipebd::gui {

namespace {

constexpr int linesKept = 5000;

}

LogPanel::LogPanel(QWidget* parent)
    : QPlainTextEdit(parent)
{
    setObjectName(QStringLiteral("log"));
    setAccessibleName(tr("Log of the run"));
    setReadOnly(true);
    setUndoRedoEnabled(false);
    setMaximumBlockCount(linesKept);
    setLineWrapMode(NoWrap);
    setFrameShape(NoFrame);
    setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    setPlaceholderText(tr("The log of the selected run appears here."));
    document()->setDocumentMargin(8);
}

void LogPanel::append(const std::vector<store::LogLine>& lines)
{
    if (lines.empty())
        return;
    QStringList text;
    for (const store::LogLine& line : lines) {
        const QString who = line.rank < 0 ? tr("run") : tr("rank %1").arg(line.rank);
        text << QStringLiteral("%1 s  %2  %3").arg(line.t, 8, 'f', 2).arg(who, -7).arg(QString::fromStdString(line.text));
    }
    const bool atEnd = verticalScrollBar()->value() >= verticalScrollBar()->maximum() - 1;
    appendPlainText(text.join(QLatin1Char('\n')));
    if (atEnd)
        verticalScrollBar()->setValue(verticalScrollBar()->maximum());
}

} // namespace pipebd::gui
