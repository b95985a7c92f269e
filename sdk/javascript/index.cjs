"use strict";

module.exports = { ...require("./lib/errors.cjs"), OpenLoop: require("./lib/client.cjs").OpenLoop };
