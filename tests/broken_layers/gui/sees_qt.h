// Keeps the rules.
#include <QString>
