#include "gui/shortcut_list.h"

#include "gui/lab/page.h"

#include <QAction>
#include <QDialogButtonBox>
#include <QDockWidget>
#include <QHeaderView>
#include <QLineEdit>
#include <QMainWindow>
#include <QMenu>
#include <QMenuBar>
#include <QSet>
#include <QTreeWidget>
#include <QVBoxLayout>

namespace pipebd::gui {

namespace {

QString plain(QString text)
{
    static const QRegularExpression mnemonic(QStringLiteral("&(.)"));
    text.replace(mnemonic, QStringLiteral("\\1")).remove(QStringLiteral("…"));
    return text;
}

class Collector {
public:
    void addMenu(const QMenu& menu, const QString& place)
    {
        for (const QAction* action : menu.actions()) {
            if (const auto* inner = action->menu())
                addMenu(*inner, place);
            else
                add(*action, place);
        }
    }

    void add(const QAction& action, const QString& place)
    {
        if (action.shortcuts().isEmpty() || m_seen.contains(&action))
            return;
        m_seen.insert(&action);
        QStringList keys;
        for (const QKeySequence& sequence : action.shortcuts())
            keys << sequence.toString(QKeySequence::NativeText);
        m_found.push_back({place, plain(action.text()), keys.join(QStringLiteral(", "))});
    }

    std::vector<Shortcut> take() { return std::move(m_found); }

private:
    QSet<const QAction*> m_seen;
    std::vector<Shortcut> m_found;
};

// The page or dock that `widget` is part of; empty for the window itself.
QString placeOf(const QWidget* widget)
{
    for (; widget; widget = widget->parentWidget()) {
        if (const auto* page = qobject_cast<const Page*>(widget))
            return plain(page->title());
        if (const auto* dock = qobject_cast<const QDockWidget*>(widget))
            return plain(dock->windowTitle());
    }
    return {};
}

} // namespace

std::vector<Shortcut> shortcutsOf(const QMainWindow& window)
{
    Collector collector;
    for (const QAction* action : window.menuBar()->actions())
        if (const auto* menu = action->menu())
            collector.addMenu(*menu, plain(menu->title()));
    for (const QWidget* widget : window.findChildren<QWidget*>()) {
        const QString place = placeOf(widget);
        if (!place.isEmpty() && !qobject_cast<const QMenu*>(widget))
            for (const QAction* action : widget->actions())
                collector.add(*action, place);
    }
    return collector.take();
}

ShortcutList::ShortcutList(const std::vector<Shortcut>& shortcuts, QWidget* parent)
    : QDialog(parent)
    , m_filter(new QLineEdit(this))
    , m_tree(new QTreeWidget(this))
{
    setObjectName(QStringLiteral("shortcutList"));
    setWindowTitle(tr("Keyboard shortcuts"));
    resize(560, 600);
    m_filter->setPlaceholderText(tr("Filter: action or key"));
    m_filter->setAccessibleName(tr("Filter the shortcuts"));
    m_filter->setClearButtonEnabled(true);
    connect(m_filter, &QLineEdit::textChanged, this, &ShortcutList::filter);
    m_tree->setAccessibleName(tr("Keyboard shortcuts"));
    m_tree->setHeaderLabels({tr("Action"), tr("Keys")});
    m_tree->header()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_tree->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    m_tree->header()->setStretchLastSection(false);
    QTreeWidgetItem* place = nullptr;
    for (const Shortcut& shortcut : shortcuts) {
        const QList<QTreeWidgetItem*> known = m_tree->findItems(shortcut.place, Qt::MatchExactly, 0);
        place = known.isEmpty() ? new QTreeWidgetItem(m_tree, {shortcut.place}) : known.first();
        place->setFirstColumnSpanned(true);
        new QTreeWidgetItem(place, {shortcut.name, shortcut.keys});
    }
    m_tree->expandAll();
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, this);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* layout = new QVBoxLayout(this);
    for (QWidget* widget : std::initializer_list<QWidget*>{m_filter, m_tree, buttons})
        layout->addWidget(widget);
}

void ShortcutList::filter(const QString& words)
{
    const QString wanted = words.trimmed();
    for (int i = 0; i < m_tree->topLevelItemCount(); ++i) {
        QTreeWidgetItem* place = m_tree->topLevelItem(i);
        bool any = false;
        for (int j = 0; j < place->childCount(); ++j) {
            const bool fits = place->child(j)->text(0).contains(wanted, Qt::CaseInsensitive)
                || place->child(j)->text(1).contains(wanted, Qt::CaseInsensitive);
            place->child(j)->setHidden(!fits);
            any |= fits;
        }
        place->setHidden(!any);
    }
}

} // namespace pipebd::gui
