// MessagePage: what is said in words where there is nothing to show: the welcome, and why a lab cannot be read.
#pragma once

#include <QWidget>

class QAction;
class QLabel;
class QVBoxLayout;

namespace pipebd::gui {

class MessagePage : public QWidget {
    Q_OBJECT

public:
    MessagePage(const QString& title, const QString& text, QWidget* parent = nullptr);
    void setText(const QString& text); // may have line breaks; shown as plain text
    void addStep(const QString& title, const QString& text);
    void addAction(QAction* action, bool isDefault); // a large button

private:
    QLabel* m_text;
    QVBoxLayout* m_steps;
    QVBoxLayout* m_buttons;
};

/// Shown for a lab without runs: what to do next.
MessagePage* makeWelcomePage(
    const QString& lab, QAction* start, QAction* findSchedule, QAction* openLab, QWidget* parent = nullptr);

} // namespace pipebd::gui
