// ImportWizard: makes a pair of two model files: which, how they are cut, and what the check says of them.
//
// A TorchScript file is a program: it is run only after a question that shows its SHA-256 has been answered with yes.
#pragma once

#include "gui/pairs/import_request.h"

#include <QWizard>

class QCheckBox;
class QGroupBox;
class QLineEdit;
class QSpinBox;

namespace pipebd::gui {

class ImportCheckPage;
class ModelFileField;
class Settings;

class ImportWizard : public QWizard {
    Q_OBJECT

public:
    ImportWizard(Settings& settings, const QString& lab, QWidget* parent = nullptr);

    /// The teacher's, or if that is named the student's.
    void addFile(const QString& file);
    ImportRequest request() const;

signals:
    void imported(const QString& pair);

private:
    QWizardPage* makeModelsPage(Settings& settings);
    QWizardPage* makeCutPage();
    void prepareCutPage();
    bool maySetOff(); // asks about programs
    QStringList programs() const; // a line for each: file and SHA-256

    ModelFileField* m_teacher = nullptr;
    ModelFileField* m_student = nullptr;
    QLineEdit* m_name = nullptr;
    QLineEdit* m_teacherBlocks = nullptr;
    QLineEdit* m_studentBlocks = nullptr;
    QCheckBox* m_endToEnd = nullptr;
    QGroupBox* m_inputBox = nullptr;
    QLineEdit* m_input = nullptr;
    QSpinBox* m_vocabulary = nullptr;
    ImportCheckPage* m_check = nullptr;
    QStringList m_trusted; // lines of programs() that the user has said yes to
};

} // namespace pipebd::gui
