// The dialogs in which tags and the note of one run or of several are changed.
#pragma once

#include "gui/runs/run_columns.h"
#include "gui/runs/run_edits.h"

#include <QDialog>

#include <set>
#include <string>
#include <vector>

class QDialogButtonBox;
class QLabel;
class QLineEdit;
class QListWidget;
class QListWidgetItem;
class QPlainTextEdit;

namespace pipebd::gui {

class CommandStrip;

/// "pipebd", "runs", `verb`, and the ids.
QStringList runsCommand(const QString& verb, const std::vector<ListedRun>& runs);

/// "run 7" or "3 runs".
QString runsText(const std::vector<ListedRun>& runs);

/// A box for each tag that any run has, ticked, half ticked where some of these runs have it; and a field for new ones.
class TagsDialog : public QDialog {
    Q_OBJECT

public:
    TagsDialog(std::vector<ListedRun> runs, const std::set<std::string>& known, QWidget* parent = nullptr);

    std::vector<AnnotationChange> changes() const; // of the runs that are to change
    QStringList command() const;

private:
    QListWidgetItem* itemOf(const QString& tag) const;
    void addTag(const std::string& tag, Qt::CheckState state);
    void addTyped();
    void showCommand();
    std::set<std::string> tags(Qt::CheckState state) const; // whose boxes are in it

    std::vector<ListedRun> m_runs;
    QListWidget* m_list;
    QLineEdit* m_field;
    QLabel* m_error;
    CommandStrip* m_command;
    QDialogButtonBox* m_buttons;
};

/// One note for all of them.
class NoteDialog : public QDialog {
    Q_OBJECT

public:
    explicit NoteDialog(std::vector<ListedRun> runs, QWidget* parent = nullptr);

    std::vector<AnnotationChange> changes() const;
    QStringList command() const;

private:
    std::vector<ListedRun> m_runs;
    QPlainTextEdit* m_text;
};

} // namespace pipebd::gui
