#include "gui/pairs/import_wizard.h"

#include "gui/kit/labels.h"
#include "gui/pairs/import_check_page.h"
#include "gui/pairs/model_file_field.h"

#include <QCheckBox>
#include <QFileInfo>
#include <QFormLayout>
#include <QGroupBox>
#include <QLabel>
#include <QLineEdit>
#include <QMessageBox>
#include <QRegularExpressionValidator>
#include <QSpinBox>
#include <QVBoxLayout>

#include <functional>

namespace pipebd::gui {

namespace {

// A page that is complete, and may be left, when its functions say so.
class AskingPage : public QWizardPage {
public:
    using QWizardPage::QWizardPage;

    bool isComplete() const override { return complete(); }
    void initializePage() override { prepare(); }
    bool validatePage() override { return leave(); }

    std::function<bool()> complete = [] { return true; };
    std::function<void()> prepare = [] {};
    std::function<bool()> leave = [] { return true; };
};

QLabel* hint(QWidget* parent, const QString& text)
{
    QLabel* label = selectableLabel(parent, text);
    label->setWordWrap(true);
    label->setForegroundRole(QPalette::PlaceholderText);
    return label;
}

} // namespace

ImportWizard::ImportWizard(Settings& settings, const QString& lab, QWidget* parent)
    : QWizard(parent)
{
    setObjectName(QStringLiteral("importWizard"));
    setWindowTitle(tr("Import a pair"));
    setWizardStyle(QWizard::ModernStyle);
    setOption(QWizard::NoBackButtonOnStartPage);
    setMinimumSize(720, 520);
    addPage(makeModelsPage(settings));
    addPage(makeCutPage());
    m_check = new ImportCheckPage(
        lab, [this] { return request(); }, this);
    addPage(m_check);
    connect(m_check, &ImportCheckPage::imported, this, [this](const QString& pair) {
        button(QWizard::BackButton)->setEnabled(false); // what is done is done
        button(QWizard::CancelButton)->setEnabled(false);
        emit imported(pair);
    });
}

QWizardPage* ImportWizard::makeModelsPage(Settings& settings)
{
    auto* page = new AskingPage(this);
    page->setTitle(tr("Models"));
    page->setSubTitle(tr("A pair is a trained teacher and the student that learns from it, block by block."));
    m_teacher = new ModelFileField(tr("&Teacher:"), settings, page);
    m_teacher->setObjectName(QStringLiteral("teacherFile"));
    m_student = new ModelFileField(tr("&Student:"), settings, page);
    m_student->setObjectName(QStringLiteral("studentFile"));
    auto* layout = new QVBoxLayout(page);
    layout->setSpacing(18);
    layout->addWidget(m_teacher);
    layout->addWidget(m_student);
    layout->addStretch(1);
    layout->addWidget(hint(
        page, tr("resources/python/export_pair.py exports models from torchvision, timm or your own code in the right form.")));
    page->complete = [this] { return m_teacher->isUsable() && m_student->isUsable(); };
    for (ModelFileField* field : {m_teacher, m_student})
        connect(field, &ModelFileField::changed, page, &QWizardPage::completeChanged);
    return page;
}

QWizardPage* ImportWizard::makeCutPage()
{
    auto* page = new AskingPage(this);
    page->setTitle(tr("Name and blocks"));
    page->setSubTitle(tr("Both networks must have the same number of blocks with matching output shapes."));
    m_name = new QLineEdit(page);
    m_name->setObjectName(QStringLiteral("pairName"));
    m_name->setMaxLength(200);
    m_teacherBlocks = new QLineEdit(page);
    m_teacherBlocks->setObjectName(QStringLiteral("teacherBlocks"));
    m_studentBlocks = new QLineEdit(page);
    m_studentBlocks->setObjectName(QStringLiteral("studentBlocks"));
    for (QLineEdit* blocks : {m_teacherBlocks, m_studentBlocks}) {
        blocks->setPlaceholderText(tr("one block per child module of the network"));
        blocks->setToolTip(tr("Separate blocks with commas: features.0-3,features.4-6,avgpool+classifier"));
    }
    m_endToEnd = new QCheckBox(tr("Output shapes differ (&end-to-end strategies only)"), page);
    m_endToEnd->setObjectName(QStringLiteral("endToEnd"));
    m_inputBox = new QGroupBox(tr("Input (not stored in TorchScript files)"), page);
    m_input = new QLineEdit(m_inputBox);
    m_input->setObjectName(QStringLiteral("inputShape"));
    m_input->setPlaceholderText(tr("3x224x224, or 128 for 128 tokens"));
    m_input->setValidator(new QRegularExpressionValidator(QRegularExpression(QStringLiteral("\\d{1,7}(x\\d{1,7}){0,3}")), m_input));
    m_vocabulary = new QSpinBox(m_inputBox);
    m_vocabulary->setObjectName(QStringLiteral("vocabulary"));
    m_vocabulary->setRange(0, 1 << 30);
    m_vocabulary->setSpecialValueText(tr("not tokens"));
    m_vocabulary->setGroupSeparatorShown(true);
    auto* inputForm = new QFormLayout(m_inputBox);
    inputForm->addRow(tr("S&hape of one sample:"), m_input);
    inputForm->addRow(tr("&Vocabulary:"), m_vocabulary);

    auto* form = new QFormLayout;
    form->addRow(tr("Na&me:"), m_name);
    form->addRow(tr("Blocks of the &teacher:"), m_teacherBlocks);
    form->addRow(tr("Blocks of the &student:"), m_studentBlocks);
    auto* layout = new QVBoxLayout(page);
    layout->addLayout(form);
    layout->addWidget(hint(page,
        tr("Separate blocks with commas; join parts with +. A part is a module path or a range of numbered modules: "
           "features.0-3,features.4-6,avgpool+classifier")));
    layout->addWidget(m_endToEnd);
    layout->addSpacing(8);
    layout->addWidget(m_inputBox);
    layout->addStretch(1);
    page->prepare = [this] { prepareCutPage(); };
    page->complete = [this] {
        const bool tells = !m_inputBox->isVisibleTo(m_inputBox->parentWidget()) || m_input->hasAcceptableInput();
        return !m_name->text().trimmed().isEmpty() && tells;
    };
    page->leave = [this] { return maySetOff(); };
    for (QLineEdit* edit : {m_name, m_input})
        connect(edit, &QLineEdit::textChanged, page, &QWizardPage::completeChanged);
    return page;
}

void ImportWizard::prepareCutPage()
{
    if (m_name->text().isEmpty())
        m_name->setText(QStringLiteral("%1-%2").arg(
            QFileInfo(m_teacher->file()).completeBaseName(), QFileInfo(m_student->file()).completeBaseName()));
    // One exported model is enough to tell what goes into both.
    m_inputBox->setVisible(programs().size() == 2);
}

QStringList ImportWizard::programs() const
{
    QStringList lines;
    for (const ModelFileField* field : {m_teacher, m_student})
        if (field->model() && field->model()->isProgram)
            lines << QStringLiteral("%1\nSHA-256 %2").arg(field->file(), field->model()->sha256);
    return lines;
}

bool ImportWizard::maySetOff()
{
    const QStringList files = programs();
    if (files.isEmpty() || files == m_trusted)
        return true;
    QMessageBox question(QMessageBox::Warning, tr("Run these programs?"),
        files.size() == 1
            ? tr("This file is TorchScript, a program. It is run on this computer for the import and in every run of the pair.")
            : tr("These files are TorchScript, programs. They are run on this computer for the import and in every run of the "
                 "pair."),
        QMessageBox::Yes | QMessageBox::No, this);
    question.setObjectName(QStringLiteral("trustQuestion"));
    question.setTextFormat(Qt::PlainText);
    question.setInformativeText(tr(
        "%1\n\nContinue only if you trust the author and the SHA-256 checksums match. Safer: export the models with torch.export.")
                                    .arg(files.join(QStringLiteral("\n\n"))));
    question.button(QMessageBox::Yes)->setText(tr("&Run them"));
    question.button(QMessageBox::No)->setText(tr("&Do not run"));
    question.setDefaultButton(QMessageBox::No);
    question.setEscapeButton(QMessageBox::No);
    if (question.exec() != QMessageBox::Yes)
        return false;
    m_trusted = files;
    return true;
}

void ImportWizard::addFile(const QString& file)
{
    (m_teacher->file().isEmpty() ? m_teacher : m_student)->setFile(file);
}

ImportRequest ImportWizard::request() const
{
    ImportRequest request;
    request.teacher = m_teacher->file();
    request.student = m_student->file();
    request.name = m_name->text().trimmed();
    request.teacherBlocks = m_teacherBlocks->text().trimmed();
    request.studentBlocks = m_studentBlocks->text().trimmed();
    request.endToEnd = m_endToEnd->isChecked();
    const QStringList files = programs();
    if (files.size() == 2) {
        request.input = m_input->text();
        request.vocabulary = m_vocabulary->value();
    }
    request.trust = !files.isEmpty() && files == m_trusted;
    return request;
}

} // namespace pipebd::gui
