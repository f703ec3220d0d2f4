// RunChooser: a dialog that lists a lab's runs, for some to be picked.
#pragma once

#include "gui/kit/background.h"
#include "gui/lab/lab_follower.h"

#include <QDialog>

#include <filesystem>
#include <vector>

class QLabel;
class QPushButton;
class QTableView;

namespace pipebd::gui {

class RunFilterModel;
class RunTableModel;

class RunChooser : public QDialog {
    Q_OBJECT

public:
    /// `leftOut`: those that are picked already.
    RunChooser(const std::filesystem::path& lab, std::vector<int> leftOut, QWidget* parent = nullptr);
    ~RunChooser() override;

    std::vector<int> runs() const; // that are picked, the oldest first

private:
    struct Listed {
        std::vector<store::RunRecord> runs;
        std::map<int, store::Annotation> annotations;
    };

    void dressView();
    void show(Listed listed);

    std::vector<int> m_leftOut;
    RunTableModel* m_model;
    RunFilterModel* m_filtered;
    QTableView* m_view;
    QLabel* m_note;
    QPushButton* m_add;
    Background<Listed> m_reading;
};

} // namespace pipebd::gui
