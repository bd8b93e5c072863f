// What main.js rehearses with; see there.
'use strict';

exports.handler = async (event, context) => ({ event, id: context.awsRequestId, left: context.getRemainingTimeInMillis() });
