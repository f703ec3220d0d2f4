// ChooseRunsDialog: which runs are to be put beside another.
#pragma once

#include "store/run_record.h"

#include <QDialog>

#include <vector>

class QLineEdit;
class QPushButton;
class QTableView;

namespace pipebd::gui {

class RunFilterModel;
class RunTableModel;

class ChooseRunsDialog : public QDialog {
    Q_OBJECT

public:
    /// `runs` without the run `beside`.
    ChooseRunsDialog(int beside, std::vector<store::RunRecord> runs, QWidget* parent = nullptr);

    /// In the order of the table.
    std::vector<int> chosen() const;

private:
    void enable();

    RunTableModel* m_model;
    RunFilterModel* m_filtered;
    QLineEdit* m_filter;
    QTableView* m_view;
    QPushButton* m_accept;
};

} // namespace pipebd::gui
