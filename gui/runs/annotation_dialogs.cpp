#include "gui/runs/annotation_dialogs.h"

#include "base/error.h"
#include "gui/kit/command_strip.h"
#include "gui/kit/labels.h"

#include <QDialogButtonBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace pipebd::gui {

QStringList runsCommand(const QString& verb, const std::vector<ListedRun>& runs)
{
    QStringList words{QStringLiteral("pipebd"), QStringLiteral("runs"), verb};
    for (const ListedRun& listed : runs)
        words << QString::number(listed.run.id);
    return words;
}

QString runsText(const std::vector<ListedRun>& runs)
{
    return runs.size() == 1 ? QObject::tr("run %1").arg(runs.front().run.id) : QObject::tr("%1 runs").arg(runs.size());
}

namespace {

bool hasTag(const ListedRun& run, const std::string& tag)
{
    return std::binary_search(run.annotation.tags.begin(), run.annotation.tags.end(), tag);
}

QString listText(const std::set<std::string>& tags)
{
    QStringList words;
    for (const std::string& tag : tags)
        words << QString::fromStdString(tag);
    return words.join(QLatin1Char(','));
}

} // namespace

TagsDialog::TagsDialog(std::vector<ListedRun> runs, const std::set<std::string>& known, QWidget* parent)
    : QDialog(parent)
    , m_runs(std::move(runs))
    , m_list(new QListWidget(this))
    , m_field(new QLineEdit(this))
    , m_error(new QLabel(this))
    , m_command(new CommandStrip(this))
    , m_buttons(new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel, this))
{
    setObjectName(QStringLiteral("tagsDialog"));
    setWindowTitle(tr("Tags of %1").arg(runsText(m_runs)));
    setMinimumSize(420, 340);
    m_list->setObjectName(QStringLiteral("tags"));
    m_list->setAccessibleName(tr("Tags"));
    m_field->setObjectName(QStringLiteral("newTag"));
    m_field->setPlaceholderText(tr("baseline"));
    m_error->setTextFormat(Qt::PlainText);
    m_error->setWordWrap(true);
    m_error->setObjectName(QStringLiteral("error"));
    m_error->hide();

    for (const std::string& tag : known) {
        const auto having = std::count_if(m_runs.begin(), m_runs.end(), [&](const ListedRun& run) { return hasTag(run, tag); });
        addTag(tag, having == 0 ? Qt::Unchecked : having == static_cast<int>(m_runs.size()) ? Qt::Checked : Qt::PartiallyChecked);
    }

    auto* newLabel = new QLabel(tr("&New tag:"), this);
    newLabel->setBuddy(m_field);
    auto* add = new QPushButton(tr("&Add"), this);
    add->setAutoDefault(false);
    auto* row = new QHBoxLayout;
    row->addWidget(newLabel);
    row->addWidget(m_field, 1);
    row->addWidget(add);
    auto* layout = new QVBoxLayout(this);
    layout->addLayout(row);
    layout->addWidget(m_error);
    layout->addWidget(m_list, 1);
    layout->addWidget(m_command);
    layout->addWidget(m_buttons);

    connect(add, &QPushButton::clicked, this, &TagsDialog::addTyped);
    connect(m_list, &QListWidget::itemChanged, this, &TagsDialog::showCommand);
    connect(m_field, &QLineEdit::textEdited, m_error, &QLabel::hide);
    connect(m_buttons, &QDialogButtonBox::accepted, this, [this] {
        addTyped(); // whoever types a tag and presses Enter means it
        if (m_error->isHidden())
            accept();
    });
    connect(m_buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    m_field->setFocus();
    showCommand();
}

QListWidgetItem* TagsDialog::itemOf(const QString& tag) const
{
    for (int row = 0; row < m_list->count(); ++row)
        if (m_list->item(row)->text() == tag)
            return m_list->item(row);
    return nullptr;
}

void TagsDialog::addTag(const std::string& tag, Qt::CheckState state)
{
    auto* item = new QListWidgetItem(QString::fromStdString(tag), m_list);
    item->setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsUserCheckable);
    item->setCheckState(state);
}

void TagsDialog::addTyped()
{
    m_error->hide();
    for (const QString& part : m_field->text().split(QLatin1Char(','), Qt::SkipEmptyParts)) {
        const QString tag = part.trimmed();
        if (tag.isEmpty())
            continue;
        try {
            store::check_tag(tag.toStdString());
        } catch (const Error& error) {
            m_error->setText(QString::fromUtf8(error.what()));
            m_error->show();
            return;
        }
        if (QListWidgetItem* there = itemOf(tag))
            there->setCheckState(Qt::Checked);
        else
            addTag(tag.toStdString(), Qt::Checked);
    }
    m_field->clear();
    showCommand();
}

std::set<std::string> TagsDialog::tags(Qt::CheckState state) const
{
    std::set<std::string> found;
    for (int row = 0; row < m_list->count(); ++row)
        if (m_list->item(row)->checkState() == state)
            found.insert(m_list->item(row)->text().toStdString());
    return found;
}

std::vector<AnnotationChange> TagsDialog::changes() const
{
    std::vector<AnnotationChange> all;
    const std::set<std::string> added = tags(Qt::Checked);
    const std::set<std::string> removed = tags(Qt::Unchecked);
    for (const ListedRun& listed : m_runs) {
        std::set<std::string> own(listed.annotation.tags.begin(), listed.annotation.tags.end());
        own.insert(added.begin(), added.end());
        for (const std::string& tag : removed)
            own.erase(tag);
        AnnotationChange change{listed.run.id, listed.annotation, listed.annotation};
        change.after.tags.assign(own.begin(), own.end());
        if (change.after.tags != change.before.tags)
            all.push_back(std::move(change));
    }
    return all;
}

QStringList TagsDialog::command() const
{
    std::set<std::string> added;
    std::set<std::string> removed;
    for (const AnnotationChange& change : changes()) {
        for (const std::string& tag : change.after.tags)
            if (!std::binary_search(change.before.tags.begin(), change.before.tags.end(), tag))
                added.insert(tag);
        for (const std::string& tag : change.before.tags)
            if (!std::binary_search(change.after.tags.begin(), change.after.tags.end(), tag))
                removed.insert(tag);
    }
    if (added.empty() && removed.empty())
        return {};
    QStringList words = runsCommand(QStringLiteral("tag"), m_runs);
    if (!added.empty())
        words << QStringLiteral("--add") << listText(added);
    if (!removed.empty())
        words << QStringLiteral("--remove") << listText(removed);
    return words;
}

void TagsDialog::showCommand()
{
    m_command->setCommand(command());
}

NoteDialog::NoteDialog(std::vector<ListedRun> runs, QWidget* parent)
    : QDialog(parent)
    , m_runs(std::move(runs))
    , m_text(new QPlainTextEdit(this))
{
    setObjectName(QStringLiteral("noteDialog"));
    setWindowTitle(tr("Note of %1").arg(runsText(m_runs)));
    setMinimumSize(460, 300);
    m_text->setObjectName(QStringLiteral("note"));
    m_text->setAccessibleName(tr("Note"));
    m_text->setTabChangesFocus(true);
    const std::string& first = m_runs.front().annotation.note;
    const bool alike
        = std::all_of(m_runs.begin(), m_runs.end(), [&](const ListedRun& run) { return run.annotation.note == first; });
    if (alike)
        m_text->setPlainText(QString::fromStdString(first));
    else
        m_text->setPlaceholderText(tr("The notes of these runs differ. Your text replaces all of them."));

    auto* strip = new CommandStrip(this);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel, this);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    const auto showCommand = [this, strip] { strip->setCommand(changes().empty() ? QStringList() : command()); };
    connect(m_text, &QPlainTextEdit::textChanged, this, showCommand);
    showCommand();
    auto* layout = new QVBoxLayout(this);
    layout->addWidget(m_text, 1);
    layout->addWidget(strip);
    layout->addWidget(buttons);
    m_text->setFocus();
}

std::vector<AnnotationChange> NoteDialog::changes() const
{
    std::vector<AnnotationChange> all;
    for (const ListedRun& listed : m_runs) {
        AnnotationChange change{listed.run.id, listed.annotation, listed.annotation};
        change.after.note = m_text->toPlainText().toStdString();
        if (change.after.note != change.before.note && m_text->document()->isModified())
            all.push_back(std::move(change));
    }
    return all;
}

QStringList NoteDialog::command() const
{
    return runsCommand(QStringLiteral("note"), m_runs) << m_text->toPlainText();
}

} // namespace pipebd::gui
