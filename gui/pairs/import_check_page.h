// ImportCheckPage: the last page of the import wizard: has pipebd import the pair, and shows the check's report or its refusal.
#pragma once

#include "gui/kit/background.h"
#include "gui/lab/pipebd_process.h"
#include "gui/pairs/import_request.h"

#include <QWizardPage>

#include <functional>

class QLabel;
class QProgressBar;
class QTableView;

namespace pipebd::gui {

class ImportCheckPage : public QWizardPage {
    Q_OBJECT

public:
    /// `request` is asked for when the page comes.
    ImportCheckPage(QString lab, std::function<ImportRequest()> request, QWidget* parent = nullptr);

    void initializePage() override;
    void cleanupPage() override; // stops the import
    bool isComplete() const override { return m_imported; }
    bool isRunning() const { return m_process.isRunning(); }

signals:
    void imported(const QString& pair);

private:
    void show(const ImportReport& report);
    void refuse(const QString& error);
    void say(const QString& title, const QString& text);

    QString m_lab;
    std::function<ImportRequest()> m_request;
    PipebdProcess m_process;
    Background<ImportReport> m_reading;
    bool m_imported = false;
    QProgressBar* m_bar;
    QLabel* m_says;
    QLabel* m_remarks;
    QTableView* m_table;
    RowsModel* m_rows;
    QLabel* m_command;
};

} // namespace pipebd::gui
