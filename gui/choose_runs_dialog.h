// ChooseRunsDialog: which runs are to be put beside another.
#pragma once

#include "store/run_record.h"

#include <QDialog>

#include <vector>

class QLineEdit;
class QListWidget;
class QPushButton;

namespace pipebd::gui {

class ChooseRunsDialog : public QDialog {
    Q_OBJECT

public:
    /// Offers `runs` without the run `beside`.
    ChooseRunsDialog(int beside, const std::vector<store::RunRecord>& runs, QWidget* parent = nullptr);

    /// In the order in which they are shown.
    std::vector<int> chosen() const;

private:
    void filter(const QString& words);
    void enable();

    QLineEdit* m_filter;
    QListWidget* m_list;
    QPushButton* m_accept;
};

} // namespace pipebd::gui
