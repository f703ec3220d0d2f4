// PairsPage: the pairs of networks there are, built in and imported: their blocks side by side, and the wizard that imports one.
//
// What there is is asked of pipebd: the window itself sees neither models nor engine.
#pragma once

#include "gui/lab/list_page.h"
#include "gui/lab/pipebd_process.h"
#include "gui/pairs/pair_catalogue.h"

namespace pipebd::gui {

class ImportWizard;
class PairView;

class PairsPage : public ListPage {
    Q_OBJECT

public:
    explicit PairsPage(Settings& settings, QWidget* parent = nullptr);

    QString selectedPair() const { return selectedId(); } // empty if none is
    void selectPair(const QString& name) { select(name); } // at once or when there is one of this name
    ImportWizard* openImportWizard(const QString& file = {});

    PairCatalogue& catalogue() { return m_catalogue; }

    void openLab(const std::filesystem::path& lab) override;
    void comeToFront() override;
    bool isSettled() const override;
    QStringList command() const override;
    std::vector<QAction*> menuActions() const override;
    bool openFile(const QString& file) override;

protected:
    QString countOf(int shown, int all) const override;
    void selectionChanged() override;
    void tintIcons() override;

private:
    void createActions();
    void refresh();
    void showPairs();
    void deleteSelected();
    void startRun();
    void exportPicture();
    void warn(const QString& title, const QString& error);

    bool m_asked = false; // for the pairs of this lab
    PairCatalogue m_catalogue;
    PipebdProcess m_deleting;

    PairView* m_view;

    QAction* m_import;
    QAction* m_delete;
    QAction* m_measure;
    QAction* m_plan;
    QAction* m_start;
    QAction* m_export;
    QAction* m_refresh;
};

} // namespace pipebd::gui
