#include "gui/start/overrides_table.h"

#include "gui/start/experiment_values.h"

#include <QCompleter>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLineEdit>
#include <QStyledItemDelegate>

#include <set>

namespace pipebd::gui {

namespace {

enum Column { Key, Value, ColumnCount };

class KeyDelegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    QWidget* createEditor(QWidget* parent, const QStyleOptionViewItem&, const QModelIndex&) const override
    {
        auto* editor = new QLineEdit(parent);
        auto* completer = new QCompleter(experimentKeys(), editor);
        completer->setFilterMode(Qt::MatchContains);
        completer->setCaseSensitivity(Qt::CaseInsensitive);
        editor->setCompleter(completer);
        editor->setFrame(false);
        return editor;
    }
};

} // namespace

OverridesTable::OverridesTable(QWidget* parent)
    : QTableWidget(0, ColumnCount, parent)
{
    setObjectName(QStringLiteral("overrides"));
    setAccessibleName(tr("Settings that override the file"));
    setHorizontalHeaderLabels({tr("Setting"), tr("Value")});
    setItemDelegateForColumn(Key, new KeyDelegate(this));
    horizontalHeader()->setSectionResizeMode(Key, QHeaderView::Stretch);
    horizontalHeader()->setSectionResizeMode(Value, QHeaderView::Stretch);
    verticalHeader()->hide();
    setEditTriggers(QAbstractItemView::DoubleClicked | QAbstractItemView::SelectedClicked | QAbstractItemView::EditKeyPressed
        | QAbstractItemView::AnyKeyPressed);
    setTabKeyNavigation(false); // Tab leaves it; the arrows move in it
    setSelectionMode(QAbstractItemView::ExtendedSelection);
    setMinimumHeight(fontMetrics().lineSpacing() * 6);
    connect(this, &QTableWidget::cellChanged, this, [this](int row, int) {
        describe(row);
        QMetaObject::invokeMethod(this, &OverridesTable::tidy, Qt::QueuedConnection); // not under the editor that writes it
        emit edited();
    });
    tidy();
}

QString OverridesTable::text(int row, int column) const
{
    const QTableWidgetItem* found = item(row, column);
    return found ? found->text().trimmed() : QString();
}

QStringList OverridesTable::settings() const
{
    QStringList settings;
    for (int row = 0; row < rowCount(); ++row)
        if (!text(row, Key).isEmpty())
            settings << text(row, Key) + QLatin1Char('=') + text(row, Value);
    return settings;
}

void OverridesTable::setSettings(const QStringList& settings)
{
    {
        const QSignalBlocker blocker(this);
        setRowCount(0);
        for (const QString& setting : settings) {
            const int row = rowCount();
            insertRow(row);
            setItem(row, Key, new QTableWidgetItem(setting.section(QLatin1Char('='), 0, 0)));
            setItem(row, Value, new QTableWidgetItem(setting.section(QLatin1Char('='), 1)));
            describe(row);
        }
    }
    tidy();
    emit edited();
}

void OverridesTable::setValuesInFile(std::map<QString, QString> values)
{
    m_inFile = std::move(values);
    const QSignalBlocker blocker(this);
    for (int row = 0; row < rowCount(); ++row)
        describe(row);
}

void OverridesTable::describe(int row)
{
    const QSignalBlocker blocker(this);
    const auto inFile = m_inFile.find(text(row, Key));
    const QString words = inFile == m_inFile.end() ? QString()
        : inFile->second.isEmpty()                 ? tr("Not set in the file.")
                                                   : tr("In the file: %1").arg(inFile->second);
    for (const int column : {Key, Value})
        if (QTableWidgetItem* found = item(row, column))
            found->setToolTip(words.toHtmlEscaped());
}

void OverridesTable::tidy()
{
    if (rowCount() > 0 && text(rowCount() - 1, Key).isEmpty() && text(rowCount() - 1, Value).isEmpty())
        return;
    const QSignalBlocker blocker(this);
    insertRow(rowCount());
}

void OverridesTable::keyPressEvent(QKeyEvent* event)
{
    if (event->key() != Qt::Key_Delete || state() == QAbstractItemView::EditingState) {
        QTableWidget::keyPressEvent(event);
        return;
    }
    std::set<int, std::greater<>> rows;
    for (const QModelIndex& index : selectedIndexes())
        rows.insert(index.row());
    for (const int row : rows)
        removeRow(row);
    tidy();
    emit edited();
}

} // namespace pipebd::gui
