// RunHeader: what is known of a run at a glance, above its charts.
#pragma once

#include "store/run_record.h"

#include <QWidget>

class QFrame;
class QLabel;
class QPlainTextEdit;
class QProgressBar;

namespace pipebd::gui {

class StateBadge;

class RunHeader : public QWidget {
    Q_OBJECT

public:
    explicit RunHeader(QWidget* parent = nullptr);
    void setRecord(const store::RunRecord& record);
    /// A line about what cannot be read, in the place of a run's own error; empty takes it away.
    void setProblem(const QString& problem);

protected:
    void changeEvent(QEvent* event) override;

private:
    void fillFacts();
    void fillErrorFrame();
    QLabel* addFact(const QString& caption, const QString& toolTip);
    void showProgress(const store::RunRecord& record);
    void showFacts(const store::RunRecord& record);
    void showError(const store::RunRecord& record);
    void styleError();

    QLabel* m_name;
    StateBadge* m_badge;
    QLabel* m_line;
    QProgressBar* m_progress;
    QLabel* m_steps;
    QWidget* m_facts;
    QLabel* m_throughput;
    QLabel* m_step;
    QLabel* m_loss;
    QLabel* m_accuracy;
    QFrame* m_errorFrame;
    QLabel* m_error;
    QPlainTextEdit* m_lastLines;
    QString m_problem;
};

} // namespace pipebd::gui
