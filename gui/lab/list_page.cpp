#include "gui/lab/list_page.h"

#include "gui/kit/message_page.h"
#include "gui/kit/settings.h"

#include <QAbstractButton>
#include <QEvent>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QMessageBox>
#include <QSplitter>
#include <QStackedWidget>
#include <QTableView>
#include <QToolBar>
#include <QVBoxLayout>

#include <utility>

namespace pipebd::gui {

ListPage::ListPage(Settings& settings, ListLook look, QWidget* parent)
    : Page(look.id, look.title, parent)
    , m_settings(settings)
    , m_headerKey(look.table + QStringLiteral("Header"))
    , m_widths(std::move(look.widths))
    , m_sizes(std::move(look.sizes))
    , m_stack(new QStackedWidget(this))
    , m_waiting(addMessage(look.waiting, {}))
    , m_error(addMessage(look.failed, {}))
    , m_splitter(new QSplitter(m_stack))
    , m_filter(new QLineEdit(this))
    , m_table(new QTableView(this))
    , m_rows(new RowsModel(std::move(look.columns), this))
    , m_filtered(new RowsFilter(m_rows))
    , m_count(new QLabel(this))
    , m_tools(new QToolBar(this))
    , m_right(new QVBoxLayout)
{
    createTable(look);
    createLayout();
    connect(m_filter, &QLineEdit::textChanged, this, [this](const QString& words) {
        m_filtered->setWords(words);
        selectAndCount();
    });
    connect(m_table->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this] { selectionChanged(); });
}

void ListPage::createTable(const ListLook& look)
{
    m_filter->setPlaceholderText(look.filterHint);
    m_filter->setClearButtonEnabled(true);
    m_filter->setObjectName(look.table + QStringLiteral("Filter"));
    m_filter->setAccessibleName(look.filterName);
    dressTable(m_table);
    m_table->setModel(m_filtered);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    m_table->setObjectName(look.table);
    m_table->setAccessibleName(look.tableName);
    m_count->setForegroundRole(QPalette::PlaceholderText);
    m_count->setContentsMargins(6, 0, 6, 4);
}

void ListPage::createLayout()
{
    m_tools->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_tools->setIconSize({16, 16});
    auto* left = new QWidget(m_splitter);
    auto* leftLayout = new QVBoxLayout(left);
    leftLayout->setContentsMargins(4, 4, 0, 0);
    leftLayout->setSpacing(4);
    leftLayout->addWidget(m_filter);
    leftLayout->addWidget(m_table, 1);
    leftLayout->addWidget(m_count);
    auto* right = new QWidget(m_splitter);
    right->setLayout(m_right);
    m_right->setContentsMargins({});
    m_right->setSpacing(0);
    m_right->addWidget(m_tools);
    m_splitter->addWidget(left);
    m_splitter->addWidget(right);
    m_splitter->setObjectName(id() + QStringLiteral("Splitter"));
    m_splitter->setChildrenCollapsible(false);
    m_splitter->setStretchFactor(0, 1);
    m_splitter->setStretchFactor(1, 2);
    m_stack->addWidget(m_splitter);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins({});
    layout->addWidget(m_stack);
}

void ListPage::setDetails(QWidget* details)
{
    m_right->addWidget(details, 1);
}

MessagePage* ListPage::addMessage(const QString& title, const QString& text)
{
    auto* message = new MessagePage(title, text, m_stack);
    m_stack->addWidget(message);
    return message;
}

void ListPage::setRetry(QAction* action)
{
    m_error->addAction(action, true);
}

void ListPage::openLab(const std::filesystem::path& lab)
{
    m_lab = lab;
    m_wanted.clear();
    m_rows->setRows({});
    showWaiting();
}

void ListPage::showList()
{
    m_stack->setCurrentWidget(m_splitter);
}

void ListPage::showWaiting()
{
    m_stack->setCurrentWidget(m_waiting);
}

void ListPage::showMessage(MessagePage* message)
{
    m_stack->setCurrentWidget(message);
}

void ListPage::showError(const QString& error)
{
    if (m_rows->rowCount() > 0) {
        emit messagePosted(error); // what is on the page stays there
        return;
    }
    m_error->setText(error);
    m_stack->setCurrentWidget(m_error);
}

bool ListPage::isErrorShown() const
{
    return m_stack->currentWidget() == m_error;
}

void ListPage::setRows(std::vector<Row> rows)
{
    m_rows->setRows(std::move(rows));
    selectAndCount();
}

void ListPage::selectAndCount()
{
    if (!m_wanted.isEmpty() && m_rows->indexOf(m_wanted).isValid())
        select(std::exchange(m_wanted, {}));
    else if (!m_table->currentIndex().isValid() && m_filtered->rowCount() > 0)
        m_table->selectRow(0);
    m_count->setText(countOf(m_filtered->rowCount(), m_rows->rowCount()));
}

QString ListPage::selectedId() const
{
    return m_table->currentIndex().data(RowsModel::IdRole).toString();
}

bool ListPage::select(const QString& id)
{
    const QModelIndex source = m_rows->indexOf(id);
    if (!source.isValid()) {
        m_wanted = id;
        return false;
    }
    selectShown(*m_table, *m_filtered, *m_filter, source);
    return true;
}

void ListPage::askToDelete(const QString& title, const QString& question, const QString& consequence, std::function<void()> then)
{
    auto* box = new QMessageBox(QMessageBox::Question, title, question, QMessageBox::Yes | QMessageBox::No, this);
    box->setObjectName(QStringLiteral("deleteQuestion"));
    box->setTextFormat(Qt::PlainText);
    box->setInformativeText(consequence);
    box->button(QMessageBox::Yes)->setText(tr("&Delete"));
    box->button(QMessageBox::No)->setText(tr("&Keep"));
    box->setDefaultButton(QMessageBox::No);
    box->setAttribute(Qt::WA_DeleteOnClose);
    connect(box, &QMessageBox::finished, this, [then = std::move(then)](int answer) {
        if (answer == QMessageBox::Yes)
            then();
    });
    box->open();
}

void ListPage::saveState()
{
    m_settings.setState(m_headerKey, m_table->horizontalHeader()->saveState());
    m_settings.setState(m_splitter->objectName(), m_splitter->saveState());
}

void ListPage::restoreState()
{
    restoreDefaultLayout();
    const QByteArray header = m_settings.state(m_headerKey);
    const QByteArray splitter = m_settings.state(m_splitter->objectName());
    const bool headerFits = header.isEmpty()
        || (m_table->horizontalHeader()->restoreState(header) && m_table->horizontalHeader()->count() == m_rows->columnCount());
    if (headerFits && (splitter.isEmpty() || m_splitter->restoreState(splitter)) && restoreDetails())
        return;
    m_settings.reportDamage();
    restoreDefaultLayout();
}

void ListPage::restoreDefaultLayout()
{
    QHeaderView* header = m_table->horizontalHeader();
    const int character = m_table->fontMetrics().averageCharWidth();
    for (int column = 0; column < m_rows->columnCount(); ++column) {
        header->moveSection(header->visualIndex(column), column);
        header->showSection(column);
        header->resizeSection(column, character * m_widths.at(static_cast<std::size_t>(column)) + 14);
    }
    header->setSortIndicator(-1, Qt::AscendingOrder); // as they are listed
    m_filtered->sort(-1);
    m_splitter->setSizes(m_sizes);
}

void ListPage::changeEvent(QEvent* event)
{
    Page::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        tintIcons();
}

} // namespace pipebd::gui
